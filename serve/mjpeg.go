package serve

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/picture"
)

const (
	boundary = "kfgrab-picture" // RFC 2046 5.1.1
	// minEvery and maxEvery bound ?every=.
	minEvery, maxEvery = 100 * time.Millisecond, time.Hour
)

// mjpeg answers GET /streams/{name}/mjpeg: keyframe after keyframe as JPEGs, each part in
// place of the one before (multipart/x-mixed-replace, as browsers show in an <img>). Who
// is slow gets the newest picture when there is room for it, and not those before. Where
// no picture can be had any more a drawn one says so.
func (s *Server) mjpeg(w http.ResponseWriter, r *http.Request, c *camera) error {
	wish, err := parseWish(r, &c.conf, picture.JPEG)
	if err != nil {
		return err
	}
	every, err := parseEvery(r)
	if err != nil {
		return err
	}
	v := &viewer{server: s, camera: c, wish: &wish, w: w, r: r, control: http.NewResponseController(w)}
	if r.Method == http.MethodHead {
		v.head()
		return nil
	}
	if every == 0 && s.tools.check(&s.opt.Decoder) == nil { // else there is nothing to show
		defer c.watch()()
	}
	suspendDeadline(w, r)
	seen, err := s.look(r.Context(), c, &wish)
	if err == nil {
		_, err = v.data(seen)
	}
	if err != nil && !flagged(r, "placeholder") {
		return c.explain(err)
	}
	v.head()
	v.ahead = showsBehind(r)
	fmt.Fprintf(w, "--%s\r\n%s", boundary, v.aheadOf()) // who does not take it is noticed with the picture
	if every == 0 {
		return v.follow(seen, err)
	}
	return v.sample(seen, err, every)
}

func parseEvery(r *http.Request) (every time.Duration, err error) {
	q := query{values: r.URL.Query()}
	q.seconds("every", &every)
	if q.err == nil && every != 0 && (every < minEvery || every > maxEvery) {
		q.fail("every", q.values.Get("every"), "seconds from 0.1 to 3600")
	}
	return every, q.err
}

// viewer is one who watches.
type viewer struct {
	server  *Server
	camera  *camera
	wish    *wish
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController

	ahead  bool  // the headers of a part go behind the part before
	sent   int64 // the number of the capture
	failed error // what was drawn last, nil where that was a picture
}

func (v *viewer) head() {
	h := v.w.Header()
	h.Set("Content-Type", "multipart/x-mixed-replace; boundary="+boundary)
	h.Set("Cache-Control", "no-store")
	v.w.WriteHeader(http.StatusOK)
}

// follow sends what comes.
func (v *viewer) follow(seen sight, err error) error {
	for {
		changed := v.camera.changed.next()
		if now, nowErr, known := v.camera.known(time.Now(), v.wish.maxAge); known {
			seen, err = now, nowErr
		}
		if e := v.show(seen, err); e != nil {
			return nil // it has gone
		}
		select {
		case <-changed:
		case <-v.r.Context().Done():
			return nil
		case <-v.camera.gone:
			return nil
		case <-v.server.closing:
			return nil
		}
	}
}

// sample sends a picture every so often, at the same moments to all who want them as
// often, so that these share one grab.
func (v *viewer) sample(seen sight, err error, every time.Duration) error {
	for {
		if e := v.show(seen, err); e != nil {
			return nil // it has gone
		}
		now := time.Now()
		next := time.NewTimer(now.Truncate(every).Add(every).Sub(now))
		select {
		case <-next.C:
		case <-v.r.Context().Done():
			next.Stop()
			return nil
		case <-v.camera.gone:
			next.Stop()
			return nil
		case <-v.server.closing:
			next.Stop()
			return nil
		}
		seen, err = v.camera.take(v.r.Context(), sampleAge(every))
	}
}

// sampleAge is how old a picture may be for who wants one every so often. It is never that of
// who asks for a fresh one, for whom wrong credentials are tried again each second.
func sampleAge(every time.Duration) time.Duration { return max(every/2, minAge+1) }

// show sends the picture, or why there is none, unless that was sent last. The error is
// the connection's.
func (v *viewer) show(seen sight, err error) error {
	ctx := v.r.Context()
	if err == nil {
		if seen.number == v.sent && v.failed == nil {
			return nil
		}
		var data []byte
		if data, err = v.data(seen); err == nil {
			v.sent, v.failed = seen.number, nil
			return v.part(data, seen)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if v.failed != nil && v.failed.Error() == err.Error() {
		return nil
	}
	v.failed = err
	err = v.camera.explain(err)
	p := problemOf(err)
	data, _, err := v.server.draw(v.r, picture.JPEG, lines(v.camera.conf.Name, p, err))
	if err != nil {
		return err
	}
	return v.part(data, sight{})
}

func (v *viewer) data(seen sight) ([]byte, error) {
	key := rendering{v.camera, seen.id, notEnlarged(v.wish.picture, seen.snapshot.Frame.Info)}
	return v.server.render(v.r.Context(), key, seen)
}

// showsBehind says whether the client shows a part only when it has the headers of the one
// behind it, which would be a keyframe late: browsers that are made of Chromium
// (crbug.com/527446).
func showsBehind(r *http.Request) bool {
	return strings.Contains(r.Header.Get("User-Agent"), "Chrome/")
}

// aheadOf are the headers of a part of which no more is known than that it will come.
func (v *viewer) aheadOf() string {
	if !v.ahead {
		return ""
	}
	return "Content-Type: " + picture.JPEG.MIMEType() + "\r\n\r\n"
}

// part writes a JPEG and the boundary behind it, as browsers show a picture when they see
// that.
func (v *viewer) part(data []byte, seen sight) error {
	var head []byte
	if !v.ahead {
		head = fmt.Appendf(nil, "Content-Type: %s\r\nContent-Length: %d\r\n", picture.JPEG.MIMEType(), len(data))
		if seen.capture != nil {
			head = fmt.Appendf(head, "X-Kfgrab-Captured: %s\r\nX-Kfgrab-State: %s\r\n", stamp(seen.snapshot.Taken), seen.state)
		}
		head = append(head, "\r\n"...)
	}
	extendDeadline(v.w)
	for _, b := range [][]byte{head, data, []byte("\r\n--" + boundary + "\r\n" + v.aheadOf())} {
		if _, err := v.w.Write(b); err != nil {
			return err
		}
	}
	err := v.control.Flush()
	suspendDeadline(v.w, v.r) // the next one may take its time
	return err
}
