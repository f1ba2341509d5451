package serve

import (
	"net/http"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/units"
)

// The names in these documents are ffprobe's where it has them. Times are RFC 3339 in
// UTC, ages and other spans seconds.

// listReport answers GET /streams.
type listReport struct {
	Software string          `json:"software,omitempty"`
	Decoder  decoderReport   `json:"decoder"`
	Streams  []*streamReport `json:"streams"`
}

// streamReport answers GET /streams/{name}.
type streamReport struct {
	Name string  `json:"name"`
	URL  string  `json:"url"` // redacted
	Mode string  `json:"mode"`
	TTL  float64 `json:"ttl"`

	// State is that of the last picture: live where others follow by themselves, cached,
	// stale, or empty where there is none.
	State       string         `json:"state"`
	Viewers     int            `json:"viewers"` // of the live keyframes; a stream that is warm has one always
	Picture     *pictureReport `json:"picture,omitempty"`
	Failure     *failureReport `json:"failure,omitempty"`
	NextRefresh string         `json:"next_refresh,omitempty"` // at the earliest
	Cache       cacheReport    `json:"cache"`
	Counts      countsReport   `json:"counts"`
	// Renditions are all there are, once ?probe=1 has asked the stream for them.
	Renditions []*renditionReport `json:"renditions,omitempty"`
}

type pictureReport struct {
	Number    int64            `json:"number"` // of the stream's, since the start
	Codec     string           `json:"codec_name"`
	Profile   string           `json:"profile,omitempty"`
	Level     int              `json:"level,omitempty"`
	Width     int              `json:"width"`
	Height    int              `json:"height"`
	PixFmt    string           `json:"pix_fmt"`
	Kind      string           `json:"keyframe"`
	Size      int              `json:"keyframe_bytes"`
	Captured  string           `json:"captured"`
	Age       float64          `json:"age"` // since it was found to be the newest
	MediaTime string           `json:"media_time,omitempty"`
	MediaAge  *float64         `json:"media_age,omitempty"` // of what it shows, when it was captured
	Down      int64            `json:"bytes_down"`
	Elapsed   float64          `json:"elapsed"`
	Rendition *renditionReport `json:"rendition,omitempty"` // where there are several
	Tracks    []*trackReport   `json:"tracks,omitempty"`
}

type failureReport struct {
	Error  string `json:"error"`
	Class  string `json:"class"`
	Status int    `json:"status"` // of HTTP, with which a request is answered
	Since  string `json:"since"`
	Last   string `json:"last"`
	Count  int    `json:"count"` // in a row
}

type cacheReport struct {
	Pictures int   `json:"pictures"`
	Bytes    int64 `json:"bytes"`
}

type countsReport struct {
	Grabs      int64 `json:"grabs"`
	Captures   int64 `json:"captures"`
	Unchanged  int64 `json:"unchanged"`
	Failures   int64 `json:"failures"`
	Bytes      int64 `json:"bytes_down"`
	BytesToday int64 `json:"bytes_today"`
}

func (s *Server) listStreams(w http.ResponseWriter, r *http.Request) error {
	report := &listReport{Software: s.opt.Software, Decoder: s.tools.report(r.Context(), &s.opt.Decoder), Streams: []*streamReport{}}
	for _, c := range s.visible(r) {
		report.Streams = append(report.Streams, s.report(c))
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	writeJSON(w, r, "application/json", http.StatusOK, report)
	return nil
}

func (s *Server) showStream(w http.ResponseWriter, r *http.Request, c *camera) error {
	if flagged(r, "probe") {
		suspendDeadline(w, r)
		if err := c.probe(r.Context()); err != nil {
			return c.explain(err)
		}
		extendDeadline(w)
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, r, "application/json", http.StatusOK, s.report(c))
	return nil
}

func (s *Server) report(c *camera) *streamReport {
	report := c.report(time.Now())
	report.Cache.Pictures, report.Cache.Bytes = s.cache.kept(c)
	return report
}

func (c *camera) report(now time.Time) *streamReport {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.counts
	n.add(0, now)
	r := &streamReport{
		Name: c.conf.Name, URL: c.conf.RedactedURL, Mode: c.conf.Mode.String(), TTL: c.conf.TTL.Seconds(), State: "empty", Viewers: c.viewers,
		Counts: countsReport{n.grabs, n.captures, n.unchanged, n.failures, n.bytes, n.today},
	}
	if c.last != nil && !c.confirmed.IsZero() {
		r.Picture, r.State = newPictureReport(c.last, now.Sub(c.confirmed)), string(stale)
		switch {
		case c.live:
			r.State = "live"
		case now.Sub(c.confirmed) <= c.lasts(c.conf.TTL):
			r.State = string(cached)
		}
		if !c.live {
			r.NextRefresh = stamp(c.confirmed.Add(c.conf.TTL))
		}
	}
	if f := c.failed; f != nil {
		class := kfgrab.ClassOf(f.err)
		r.Failure = &failureReport{problemOf(f.err).Detail, class.String(), class.HTTPStatus(), stamp(f.since), stamp(f.at), f.count}
		r.NextRefresh = stamp(f.at.Add(f.pause(c.conf.TTL)))
	}
	for _, rendition := range c.renditions {
		r.Renditions = append(r.Renditions, newRenditionReport(rendition))
	}
	if c.conf.Mode == Scheduled {
		r.NextRefresh = stamp(c.due)
	}
	return r
}

func newPictureReport(c *capture, age time.Duration) *pictureReport {
	snap, i := c.snapshot, c.snapshot.Frame.Info
	r := &pictureReport{
		Number: c.number, Codec: snap.Frame.Codec.String(), Profile: i.Profile, Level: i.LevelIDC,
		Width: i.Width, Height: i.Height, PixFmt: i.PixFmt(), Kind: snap.Frame.Kind.String(), Size: len(snap.Frame.Data),
		Captured: stamp(snap.Taken), Age: seconds(age), Down: snap.Cost.Down, Elapsed: seconds(snap.Cost.Elapsed),
		Tracks: newTrackReports(c.tracks),
	}
	if !snap.MediaTime.IsZero() {
		r.MediaTime, r.MediaAge = stamp(snap.MediaTime), new(seconds(snap.Taken.Sub(snap.MediaTime)))
	}
	if c.rendition != nil {
		r.Rendition = newRenditionReport(*c.rendition)
	}
	return r
}

// stamp is "" of the zero time.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return units.FormatTimestamp(t)
}

func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
