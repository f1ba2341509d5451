package serve

import (
	"net/http"
	"net/url"

	"github.com/kfgrab/kfgrab/picture"
)

// These handlers answer the paths of an earlier service, for the stream that
// ?stream= names, or the first one.

func (s *Server) withLegacyStream(h streamHandler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		name := r.URL.Query().Get("stream")
		if name == "" {
			list := s.visibleStreams(r)
			if len(list) == 0 {
				return notFound("there are no streams")
			}
			return h(w, r, list[0])
		}

		c, err := s.findStream(r, name)
		if err != nil {
			return err
		}
		return h(w, r, c)
	}
}

// legacySnapshot answers GET /latest.jpg and GET /stream/snapshot.
func (s *Server) legacySnapshot(w http.ResponseWriter, r *http.Request, c *camera) error {
	return s.serveSnapshot(w, r, c, picture.JPEG)
}

// legacyView answers GET /stream/view.
func (s *Server) legacyView(w http.ResponseWriter, r *http.Request, c *camera) error {
	http.Redirect(w, r, "/streams/"+url.PathEscape(c.conf.Name)+"/view", http.StatusTemporaryRedirect)
	return nil
}

// legacyCache answers GET /stream/cache.
func (s *Server) legacyCache(w http.ResponseWriter, r *http.Request, c *camera) error {
	writeReport(w, r, newCacheReport(c))
	return nil
}

// legacyClear answers GET and POST /stream/cache/clear, since either may be in
// use.
func (s *Server) legacyClear(w http.ResponseWriter, r *http.Request, c *camera) error {
	c.clear()
	return s.legacyCache(w, r, c)
}
