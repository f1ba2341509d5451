package serve

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/picture"
)

const (
	boundary = "kfgrab-picture" // RFC 2046 5.1.1
	// minInterval and maxInterval bound ?every=.
	minInterval, maxInterval = 100 * time.Millisecond, time.Hour
)

// serveMJPEG answers GET /streams/{name}/mjpeg: keyframe after keyframe as
// JPEGs, each of which replaces the one before (multipart/x-mixed-replace, which
// browsers show in an <img>). A slow client gets the newest picture when it is
// ready, and misses those before. An error is shown as a drawn picture.
func (s *Server) serveMJPEG(w http.ResponseWriter, r *http.Request, c *camera) error {
	wanted, err := parsePictureRequest(r, &c.conf, picture.JPEG)
	if err != nil {
		return err
	}

	every, err := parseInterval(r)
	if err != nil {
		return err
	}

	v := &viewer{server: s, camera: c, wanted: &wanted, w: w, r: r, control: http.NewResponseController(w)}
	if r.Method == http.MethodHead {
		v.writeHeader()
		return nil
	}

	if every == 0 && s.pictures.decoder.find() == nil { // without a decoder, there is nothing to show
		defer c.audience.join()()
	}

	suspendDeadline(w, r)
	d, err := s.takePicture(r.Context(), c, &wanted)
	if err == nil {
		_, err = v.render(d)
	}
	if err != nil && !hasFlag(r, "placeholder") {
		return c.explain(err)
	}

	v.writeHeader()
	v.ahead = showsLate(r)
	fmt.Fprintf(w, "--%s\r\n%s", boundary, v.headerAhead()) // an error comes up with the first picture
	if every == 0 {
		v.followStream(d, err)
	} else {
		v.sampleStream(d, err, every)
	}
	return nil
}

func parseInterval(r *http.Request) (every time.Duration, err error) {
	q := query{values: r.URL.Query()}
	q.readSeconds("every", &every)
	if q.err == nil && every != 0 && (every < minInterval || every > maxInterval) {
		q.fail("every", q.values.Get("every"), "seconds from 0.1 to 3600")
	}
	return every, q.err
}

// viewer is one client of an MJPEG.
type viewer struct {
	server  *Server
	camera  *camera
	wanted  *pictureRequest
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController

	ahead bool  // each part's header follows the boundary before at once
	sent  int64 // the number of the last capture
	drawn error // shown in place of a picture; nil if none is
}

func (v *viewer) writeHeader() {
	h := v.w.Header()
	h.Set("Content-Type", "multipart/x-mixed-replace; boundary="+boundary)
	h.Set("Cache-Control", "no-store")
	v.w.WriteHeader(http.StatusOK)
}

// followStream sends d or err, and then live keyframes until the client leaves.
func (v *viewer) followStream(d delivery, err error) {
	for {
		changed := v.camera.changed.nextChange()
		known := v.camera.Status()
		if now, nowErr, ok := known.answer(time.Now(), v.wanted.maxAge, &v.camera.conf); ok {
			d, err = now, nowErr
		}
		if v.show(d, err) != nil || !waitFor(v, changed) {
			return
		}
	}
}

// sampleStream sends d or err, and then a picture at every interval until the
// client leaves. All clients with the same interval get theirs at the same time,
// so that they share one grab.
func (v *viewer) sampleStream(d delivery, err error, every time.Duration) {
	for {
		if v.show(d, err) != nil {
			return
		}

		now := time.Now()
		next := time.NewTimer(now.Truncate(every).Add(every).Sub(now))
		due := waitFor(v, next.C)
		next.Stop()
		if !due {
			return
		}
		d, err = v.camera.take(v.r.Context(), sampleAge(every))
	}
}

// waitFor returns false if the answer of v must end before there is an event.
func waitFor[T any](v *viewer, event <-chan T) bool {
	select {
	case <-event:
		return true
	case <-v.r.Context().Done():
	case <-v.camera.gone:
	case <-v.server.run.closing:
	}
	return false
}

// sampleAge returns the greatest age of a picture in a series. It is never as low
// as that of a request for a fresh one, which would try wrong credentials again
// each second.
func sampleAge(every time.Duration) time.Duration { return max(every/2, minAge+1) }

// show sends the picture, or the reason why there is none, unless the client
// already has it. The error is that of the connection.
func (v *viewer) show(d delivery, err error) error {
	ctx := v.r.Context()
	if err == nil {
		if d.number == v.sent && v.drawn == nil {
			return nil
		}
		var data []byte
		if data, err = v.render(d); err == nil {
			v.sent, v.drawn = d.number, nil
			return v.writePart(data, d)
		}
	}

	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if v.drawn != nil && v.drawn.Error() == err.Error() {
		return nil
	}

	v.drawn = err
	err = v.camera.explain(err)
	text := placeholderText(v.camera.conf.Name, newProblem(err), err)
	data, err := v.server.drawPlaceholder(v.r, picture.JPEG, text)
	if err != nil {
		return err
	}
	return v.writePart(data, delivery{})
}

func (v *viewer) render(d delivery) ([]byte, error) {
	key := rendering{v.camera, d.id, withoutEnlarging(v.wanted.picture, d.snapshot.Frame.Info)}
	return v.server.pictures.render(v.r.Context(), key, d, v.server.metrics.observeRender)
}

// showsLate reports whether the client shows a part only once it has the header
// of the next, which would be one keyframe late. Browsers based on Chromium do
// (crbug.com/527446).
func showsLate(r *http.Request) bool {
	return strings.Contains(r.Header.Get("User-Agent"), "Chrome/")
}

// headerAhead returns the header of a part before that is known.
func (v *viewer) headerAhead() string {
	if !v.ahead {
		return ""
	}
	return "Content-Type: " + picture.JPEG.MIMEType() + "\r\n\r\n"
}

// writePart writes a JPEG and the boundary after it, at which browsers show the
// picture.
func (v *viewer) writePart(data []byte, d delivery) error {
	var head []byte
	if !v.ahead {
		head = fmt.Appendf(nil, "Content-Type: %s\r\nContent-Length: %d\r\n", picture.JPEG.MIMEType(), len(data))
		if d.capture != nil {
			head = fmt.Appendf(head, "X-Kfgrab-Captured: %s\r\nX-Kfgrab-State: %s\r\n", units.FormatTimestamp(d.snapshot.Taken), d.state)
		}
		head = append(head, "\r\n"...)
	}

	extendDeadline(v.w)
	for _, b := range [][]byte{head, data, []byte("\r\n--" + boundary + "\r\n" + v.headerAhead())} {
		if _, err := v.w.Write(b); err != nil {
			return err
		}
	}
	err := v.control.Flush()
	suspendDeadline(v.w, v.r) // the next picture may take a while
	return err
}
