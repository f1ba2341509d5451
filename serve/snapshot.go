package serve

import (
	"bytes"
	"context"
	"fmt"
	"hash/maphash"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/picture"
)

// ofStream gives h the stream that the path names.
func (s *Server) ofStream(h func(http.ResponseWriter, *http.Request, *camera) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		c, err := s.named(r, r.PathValue("name"))
		if err != nil {
			return err
		}
		return h(w, r, c)
	}
}

// snapshotFile answers GET /streams/{name}/snapshot.jpg and its like.
func (s *Server) snapshotFile(w http.ResponseWriter, r *http.Request, c *camera) error {
	f, err := formatOf(r.PathValue("file"))
	if err != nil {
		return err
	}
	return s.snapshot(w, r, c, f)
}

// snapshot answers with a picture.
func (s *Server) snapshot(w http.ResponseWriter, r *http.Request, c *camera, f picture.Format) error {
	wish, err := parseWish(r, &c.conf, f)
	if err != nil {
		return err
	}
	suspendDeadline(w, r)
	seen, err := s.look(r.Context(), c, &wish)
	if err != nil {
		return c.explain(err)
	}
	key := rendering{c, seen.id, notEnlarged(wish.picture, seen.snapshot.Frame.Info)}
	etag := s.etag(key)
	if unchanged(r, etag, seen.snapshot.Taken) {
		setHeaders(w.Header(), c, seen, &wish, etag)
		extendDeadline(w)
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	data, err := s.render(r.Context(), key, seen)
	if err != nil {
		return &streamError{err: err, name: c.conf.Name, at: time.Now()}
	}
	setHeaders(w.Header(), c, seen, &wish, etag)
	extendDeadline(w)
	if partial(r) {
		http.ServeContent(w, r, "", seen.snapshot.Taken, bytes.NewReader(data))
		return nil
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		w.Write(data) // who does not take it has gone
	}
	return nil
}

// look returns the keyframe for a request, an older one where that is allowed and no
// other can be had.
func (s *Server) look(ctx context.Context, c *camera, wish *wish) (sight, error) {
	if wish.picture.Format.Decoded() {
		if err := s.tools.check(&s.opt.Decoder); err != nil {
			return sight{}, err
		}
	}
	seen, err := c.take(ctx, wish.maxAge)
	if err != nil && wish.staleIfError > 0 && ctx.Err() == nil {
		if old, ok := c.stale(time.Now(), wish.maxAge+wish.staleIfError); ok {
			return old, nil
		}
	}
	return seen, err
}

// render returns the bytes, made once for all who ask for them.
func (s *Server) render(ctx context.Context, key rendering, seen sight) ([]byte, error) {
	if data, ok := key.camera.cache.get(key); ok {
		return data, nil
	}
	return s.renders.do(ctx, key, func(ctx context.Context) ([]byte, error) {
		ctx, cancel := neterror.WithTimeout(ctx, key.camera.conf.Timeout)
		defer cancel()
		began := time.Now()
		data, err := picture.Make(ctx, s.pool, seen.snapshot, &key.options)
		s.metrics.rendered.Observe(time.Since(began).Seconds())
		if err == nil {
			key.camera.cache.put(key, data)
		}
		return data, err
	})
}

// etag is a strong one: a capture's id and what is made of it are all that the bytes
// depend on.
func (s *Server) etag(key rendering) string {
	return `"` + key.capture + "-" + strconv.FormatUint(maphash.Comparable(s.seed, key.options), 36) + `"`
}

// setHeaders says what picture it is, and how old.
func setHeaders(h http.Header, c *camera, seen sight, wish *wish, etag string) {
	now, snap := time.Now(), seen.snapshot
	h.Set("Content-Type", wish.picture.Format.MIMEType())
	h.Set("ETag", etag)
	h.Set("Last-Modified", snap.Taken.UTC().Format(http.TimeFormat))
	h.Set("Age", strconv.Itoa(int(seen.age(now)/time.Second)))
	if wish.fresh {
		h.Set("Cache-Control", "no-cache")
	} else {
		h.Set("Cache-Control", fmt.Sprintf("private, max-age=%d", int(wish.maxAge/time.Second)))
	}
	h.Set("X-Kfgrab-State", string(seen.state))
	h.Set("X-Kfgrab-Captured", units.FormatTimestamp(snap.Taken))
	if !snap.MediaTime.IsZero() {
		h.Set("X-Kfgrab-Media-Time", units.FormatTimestamp(snap.MediaTime))
	}
	h.Set("X-Kfgrab-Bytes", strconv.FormatInt(snap.Cost.Down, 10))
}

// unchanged says whether the client has the picture already (RFC 9110 13.2.2). What else
// conditions can ask for is http.ServeContent's.
func unchanged(r *http.Request, etag string, modified time.Time) bool {
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

// partial says whether the request has what http.ServeContent is needed for.
func partial(r *http.Request) bool {
	h := r.Header
	return h.Get("Range") != "" || h.Get("If-Match") != "" || h.Get("If-Unmodified-Since") != ""
}

// extendDeadline gives the answer its whole time, however long the grab took.
func extendDeadline(w http.ResponseWriter) {
	timeout := writeTimeout
	if a, ok := w.(*answer); ok {
		timeout = a.timeout
	}
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(timeout)) // not everything has one
}

// suspendDeadline leaves the answer without a deadline until extendDeadline: that of HTTP/2
// ends requests that only wait, too.
func suspendDeadline(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor > 1 {
		http.NewResponseController(w).SetWriteDeadline(time.Time{}) // not everything has one
	}
}

// explain adds what is known of the stream to the error of a request.
func (c *camera) explain(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := &streamError{err: err, name: c.conf.Name, at: time.Now()}
	if f := c.failed; f != nil && f.err == err {
		e.since, e.at = f.since, f.at
		e.retry = max(0, f.pause(c.conf.TTL)-time.Since(f.at))
	}
	return e
}
