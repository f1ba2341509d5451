package serve

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/picture"
)

// offers are the formats to negotiate, in order of preference.
var offers = []picture.Format{picture.JPEG, picture.PNG, picture.WebP, picture.MP4}

// negotiateSnapshot answers GET /streams/{name}/snapshot by the header Accept
// (RFC 9110 12.5.1). Without one, the format is that of the configuration.
func (s *Server) negotiateSnapshot(w http.ResponseWriter, r *http.Request, c *camera) error {
	w.Header().Set("Vary", "Accept")
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if accept == "" {
		return s.serveSnapshot(w, r, c, c.conf.Picture.Format)
	}

	best, weight := picture.Format(0), 0.0
	for _, f := range offers {
		if q := acceptWeight(accept, f.MIMEType()); q > weight {
			best, weight = f, q
		}
	}

	if weight == 0 {
		return &httpError{http.StatusNotAcceptable, "available are image/jpeg, image/png, image/webp and video/mp4"}
	}
	return s.serveSnapshot(w, r, c, best)
}

// acceptWeight returns the weight that a header Accept gives a media type: that
// of its most specific range.
func acceptWeight(accept, mime string) (weight float64) {
	kind, _, _ := strings.Cut(mime, "/")
	most := 0

	for element := range strings.SplitSeq(accept, ",") {
		parameters := strings.Split(element, ";")
		specific := 0
		switch strings.ToLower(strings.TrimSpace(parameters[0])) {
		case mime:
			specific = 3
		case kind + "/*":
			specific = 2
		case "*/*":
			specific = 1
		}
		if specific > most {
			most, weight = specific, parseWeight(parameters[1:])
		}
	}
	return weight
}

// parseWeight reads q=0.5 among the parameters of a media range.
func parseWeight(parameters []string) float64 {
	for _, p := range parameters {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(name, "q") {
			if q, err := strconv.ParseFloat(value, 64); err == nil && q >= 0 && q <= 1 {
				return q
			}
			return 0
		}
	}
	return 1
}

// serveSnapshotFile answers GET /streams/{name}/snapshot.jpg and the other
// formats.
func (s *Server) serveSnapshotFile(w http.ResponseWriter, r *http.Request, c *camera) error {
	f, err := formatOf(r.PathValue("file"))
	if err != nil {
		return err
	}
	return s.serveSnapshot(w, r, c, f)
}

func (s *Server) serveSnapshot(w http.ResponseWriter, r *http.Request, c *camera, f picture.Format) error {
	wanted, err := parsePictureRequest(r, &c.conf, f)
	if err != nil {
		return err
	}

	suspendDeadline(w, r)
	d, err := s.takePicture(r.Context(), c, &wanted)
	if err != nil {
		return c.explain(err)
	}

	key := rendering{c, d.id, withoutEnlarging(wanted.picture, d.snapshot.Frame.Info)}
	etag := s.pictures.etag(key)
	if isUnchanged(r, etag, d.snapshot.Taken) {
		setPictureHeaders(w.Header(), d, &wanted, etag)
		extendDeadline(w)
		w.WriteHeader(http.StatusNotModified)
		return nil
	}

	data, err := s.pictures.render(r.Context(), key, d, s.metrics.observeRender)
	if err != nil {
		return &streamError{err: err, name: c.conf.Name, at: time.Now()}
	}

	setPictureHeaders(w.Header(), d, &wanted, etag)
	extendDeadline(w)
	if needsServeContent(r) {
		http.ServeContent(w, r, "", d.snapshot.Taken, bytes.NewReader(data))
		return nil
	}
	writeBody(w, r, http.StatusOK, data)
	return nil
}

// takePicture returns the keyframe for a request. If there is no new one, it is
// an older one that the request allows.
func (s *Server) takePicture(ctx context.Context, c *camera, wanted *pictureRequest) (delivery, error) {
	if wanted.picture.Format.Decoded() {
		if err := s.pictures.decoder.find(); err != nil {
			return delivery{}, err
		}
	}

	d, err := c.take(ctx, wanted.maxAge)
	if err != nil && wanted.staleIfError > 0 && ctx.Err() == nil {
		known := c.Status()
		if old, ok := known.answerStale(time.Now(), wanted.maxAge+wanted.staleIfError); ok {
			return old, nil
		}
	}
	return d, err
}

func setPictureHeaders(h http.Header, d delivery, wanted *pictureRequest, etag string) {
	snap := d.snapshot
	h.Set("Content-Type", wanted.picture.Format.MIMEType())
	h.Set("ETag", etag)
	h.Set("Last-Modified", snap.Taken.UTC().Format(http.TimeFormat))
	h.Set("Age", strconv.Itoa(int(d.age(time.Now())/time.Second)))
	if wanted.fresh {
		h.Set("Cache-Control", "no-cache")
	} else {
		h.Set("Cache-Control", fmt.Sprintf("private, max-age=%d", int(wanted.maxAge/time.Second)))
	}

	h.Set("X-Kfgrab-State", string(d.state))
	h.Set("X-Kfgrab-Captured", units.FormatTimestamp(snap.Taken))
	if !snap.MediaTime.IsZero() {
		h.Set("X-Kfgrab-Media-Time", units.FormatTimestamp(snap.MediaTime))
	}
	h.Set("X-Kfgrab-Bytes", strconv.FormatInt(snap.Cost.Down, 10))
}

// isUnchanged reports whether the client already has the picture (RFC 9110
// 13.2.2). http.ServeContent handles the other conditions.
func isUnchanged(r *http.Request, etag string, modified time.Time) bool {
	if tags := r.Header.Get("If-None-Match"); tags != "" {
		for tag := range strings.SplitSeq(tags, ",") {
			if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
				return true
			}
		}
		return false
	}
	since, err := http.ParseTime(r.Header.Get("If-Modified-Since"))
	return err == nil && !modified.Truncate(time.Second).After(since)
}

func needsServeContent(r *http.Request) bool {
	h := r.Header
	return h.Get("Range") != "" || h.Get("If-Match") != "" || h.Get("If-Unmodified-Since") != ""
}
