package serve

import (
	"net/http"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/keyframe"
)

// These documents use ffprobe's names where it has them. Times are RFC 3339 in
// UTC; ages and other spans are seconds.

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

	// State is that of the last picture: live if more arrive without requests,
	// cached, stale, or empty if there is none.
	State       string         `json:"state"`
	Viewers     int            `json:"viewers"` // of live keyframes; a warm stream always has one
	Picture     *pictureReport `json:"picture,omitempty"`
	Failure     *failureReport `json:"failure,omitempty"`
	NextRefresh string         `json:"next_refresh,omitempty"` // at the earliest
	Cache       cacheReport    `json:"cache"`
	Counts      countsReport   `json:"counts"`
	// Renditions are those that the last ?probe=1 found.
	Renditions []*renditionReport `json:"renditions,omitempty"`
}

type pictureReport struct {
	Number    int64            `json:"number"` // counts the stream's pictures since the start
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
	MediaAge  *float64         `json:"media_age,omitempty"` // of the scene, when it was captured
	Down      int64            `json:"bytes_down"`
	Elapsed   float64          `json:"elapsed"`
	Rendition *renditionReport `json:"rendition,omitempty"` // if there are several
	Tracks    []*trackReport   `json:"tracks,omitempty"`
}

type failureReport struct {
	Error  string `json:"error"`
	Class  string `json:"class"`
	Status int    `json:"status"` // the HTTP status of requests
	Since  string `json:"since"`
	Last   string `json:"last"`
	Count  int    `json:"count"` // in a row
}

type countsReport struct {
	Grabs      int64 `json:"grabs"`
	Captures   int64 `json:"captures"`
	Unchanged  int64 `json:"unchanged"`
	Failures   int64 `json:"failures"`
	Bytes      int64 `json:"bytes_down"`
	BytesToday int64 `json:"bytes_today"`
}

// renditionReport is what a master playlist, or probing, says about a rendition.
type renditionReport struct {
	Index     int    `json:"index"`
	Bandwidth int    `json:"bandwidth,omitempty"`
	URI       string `json:"uri,omitempty"`

	Codec  string         `json:"codec_name,omitempty"`
	Width  int            `json:"width,omitempty"`
	Height int            `json:"height,omitempty"`
	Tracks []*trackReport `json:"tracks,omitempty"`
	Error  string         `json:"error,omitempty"`
}

type trackReport struct {
	Type     string `json:"codec_type"`
	Codec    string `json:"codec_name"`
	Language string `json:"language,omitempty"`
}

func (s *Server) listStreams(w http.ResponseWriter, r *http.Request) error {
	report := &listReport{Software: s.opt.Software, Decoder: s.pictures.decoder.report(r.Context()), Streams: []*streamReport{}}
	for _, c := range s.visibleStreams(r) {
		report.Streams = append(report.Streams, newStreamReport(c, time.Now()))
	}
	writeReport(w, r, report)
	return nil
}

// reportStream answers GET /streams/{name}, after probing the stream if the
// request says so.
func (s *Server) reportStream(w http.ResponseWriter, r *http.Request, c *camera) error {
	if hasFlag(r, "probe") {
		suspendDeadline(w, r)
		if err := c.probe(r.Context()); err != nil {
			return c.explain(err)
		}
		extendDeadline(w)
	}
	writeReport(w, r, newStreamReport(c, time.Now()))
	return nil
}

func newStreamReport(c *camera, now time.Time) *streamReport {
	s := c.Status()
	n := s.counts
	n.addBytes(0, now) // today may be another day

	r := &streamReport{
		Name: c.conf.Name, URL: c.conf.RedactedURL, Mode: c.conf.Mode.String(), TTL: c.conf.TTL.Seconds(), State: "empty",
		Viewers: s.viewers, Cache: newCacheReport(c),
		Counts: countsReport{n.grabs, n.captures, n.unchanged, n.failures, n.bytes, n.today},
	}

	if s.last != nil && !s.confirmed.IsZero() {
		age := now.Sub(s.confirmed)
		r.Picture = newPictureReport(s.last, age)
		r.NextRefresh = formatTime(s.confirmed.Add(c.conf.TTL))
		switch {
		case s.live:
			r.State, r.NextRefresh = "live", ""
		case age <= s.validity(c.conf.TTL, &c.conf):
			r.State = string(cached)
		default:
			r.State = string(stale)
		}
	}
	if f := s.failure; f != nil {
		class := kfgrab.ClassOf(f.err)
		r.Failure = &failureReport{newProblem(f.err).Detail, class.String(), class.HTTPStatus(), formatTime(f.since), formatTime(f.at), f.count}
		r.NextRefresh = formatTime(f.at.Add(f.pause(c.conf.TTL)))
	}

	if c.conf.Mode == Scheduled {
		r.NextRefresh = formatTime(s.due)
	}
	for _, rendition := range s.renditions {
		r.Renditions = append(r.Renditions, newRenditionReport(rendition))
	}
	return r
}

func newPictureReport(c *capture, age time.Duration) *pictureReport {
	snap, i := c.snapshot, c.snapshot.Frame.Info
	r := &pictureReport{
		Number: c.number, Codec: snap.Frame.Codec.String(), Profile: i.Profile, Level: i.LevelIDC,
		Width: i.Width, Height: i.Height, PixFmt: i.PixFmt(), Kind: snap.Frame.Kind.String(), Size: len(snap.Frame.Data),
		Captured: formatTime(snap.Taken), Age: toSeconds(age), Down: snap.Cost.Down, Elapsed: toSeconds(snap.Cost.Elapsed),
		Tracks: newTrackReports(c.tracks),
	}
	if !snap.MediaTime.IsZero() {
		r.MediaTime = formatTime(snap.MediaTime)
		r.MediaAge = new(toSeconds(snap.Taken.Sub(snap.MediaTime)))
	}
	if c.rendition != nil {
		r.Rendition = newRenditionReport(*c.rendition)
	}
	return r
}

func newRenditionReport(r kfgrab.Rendition) *renditionReport {
	report := &renditionReport{
		Index: r.Index, Bandwidth: r.Bandwidth, URI: r.URI,
		Width: r.Info.Width, Height: r.Info.Height, Tracks: newTrackReports(r.Tracks),
	}
	if r.Codec != keyframe.UnknownCodec {
		report.Codec = r.Codec.String()
	}
	if r.Err != nil {
		report.Error = neterror.OneLine(r.Err.Error())
	}
	return report
}

func newTrackReports(tracks []keyframe.Track) (list []*trackReport) {
	for _, t := range tracks {
		list = append(list, &trackReport{t.Type, t.Codec, t.Language})
	}
	return list
}

// formatTime returns "" for the zero time.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return units.FormatTimestamp(t)
}

func toSeconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

// cacheReport is the JSON of what is kept of one stream.
type cacheReport struct {
	Pictures int   `json:"pictures"`
	Bytes    int64 `json:"bytes"`
}

func newCacheReport(c *camera) (r cacheReport) {
	r.Pictures, r.Bytes = c.cache.sizeOf(c)
	return r
}

// fullCacheReport answers GET /cache.
type fullCacheReport struct {
	cacheReport
	MaxBytes int64                  `json:"max_bytes"`
	Hits     int64                  `json:"hits"`
	Misses   int64                  `json:"misses"`
	Evicted  int64                  `json:"evicted"`
	Streams  map[string]cacheReport `json:"streams"`
}

func (s *Server) reportCache(w http.ResponseWriter, r *http.Request) error {
	report := &fullCacheReport{MaxBytes: s.opt.CacheBytes, Streams: map[string]cacheReport{}}
	var stats cacheStats
	report.Pictures, report.Bytes, stats = s.pictures.cache.total()
	report.Hits, report.Misses, report.Evicted = stats.hits, stats.misses, stats.evicted
	for _, c := range s.visibleStreams(r) {
		if one := newCacheReport(c); one.Pictures > 0 {
			report.Streams[c.conf.Name] = one
		}
	}
	writeReport(w, r, report)
	return nil
}

// clearCache drops the pictures of the streams that the client may see. A
// client that may see all drops those of ?url= as well.
func (s *Server) clearCache(w http.ResponseWriter, r *http.Request) error {
	for _, c := range s.visibleStreams(r) {
		c.clear()
	}
	if visibleNames(r.Context()) == nil {
		s.pictures.drawings.forget(nil, "")
		s.guests.clear()
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) clearStream(w http.ResponseWriter, r *http.Request, c *camera) error {
	c.clear()
	w.WriteHeader(http.StatusNoContent)
	return nil
}
