package serve

import (
	"net/http"
	"net/url"

	"github.com/kfgrab/kfgrab/picture"
)

// The paths of a service that went before, for the stream that ?stream= names, or the
// first one.

func (s *Server) legacy(h func(http.ResponseWriter, *http.Request, *camera) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		name := r.URL.Query().Get("stream")
		if name == "" {
			list := s.visible(r)
			if len(list) == 0 {
				return notFound("there is no stream")
			}
			return h(w, r, list[0])
		}
		c, err := s.named(r, name)
		if err != nil {
			return err
		}
		return h(w, r, c)
	}
}

// legacySnapshot answers GET /latest.jpg and GET /stream/snapshot.
func (s *Server) legacySnapshot(w http.ResponseWriter, r *http.Request, c *camera) error {
	return s.snapshot(w, r, c, picture.JPEG)
}

// legacyView answers GET /stream/view.
func (s *Server) legacyView(w http.ResponseWriter, r *http.Request, c *camera) error {
	http.Redirect(w, r, "/streams/"+url.PathEscape(c.conf.Name)+"/view", http.StatusTemporaryRedirect)
	return nil
}

// legacyCache answers GET /stream/cache.
func (s *Server) legacyCache(w http.ResponseWriter, r *http.Request, c *camera) error {
	pictures, bytes := s.cache.kept(c)
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, r, "application/json", http.StatusOK, cacheReport{pictures, bytes})
	return nil
}

// legacyClear answers GET and POST /stream/cache/clear, without which kind the clients of
// that service are not known to get by.
func (s *Server) legacyClear(w http.ResponseWriter, r *http.Request, c *camera) error {
	s.clear(c)
	return s.legacyCache(w, r, c)
}
