package serve

import "net/http"

// cacheAllReport answers GET /cache.
type cacheAllReport struct {
	cacheReport
	MaxBytes int64                  `json:"max_bytes"`
	Hits     int64                  `json:"hits"`
	Misses   int64                  `json:"misses"`
	Evicted  int64                  `json:"evicted"`
	Streams  map[string]cacheReport `json:"streams"`
}

func (s *Server) showCache(w http.ResponseWriter, r *http.Request) error {
	report := &cacheAllReport{MaxBytes: s.opt.CacheBytes, Streams: map[string]cacheReport{}}
	var stats cacheStats
	report.Pictures, report.Bytes, stats = s.cache.total()
	report.Hits, report.Misses, report.Evicted = stats.hits, stats.misses, stats.evicted
	for _, c := range s.visible(r) {
		if n, bytes := s.cache.kept(c); n > 0 {
			report.Streams[c.conf.Name] = cacheReport{n, bytes}
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, r, "application/json", http.StatusOK, report)
	return nil
}

func (s *Server) clearCache(w http.ResponseWriter, r *http.Request) error {
	for _, c := range s.visible(r) {
		s.clear(c)
	}
	if scope(r.Context()) == nil {
		s.drawings.forget(nil, "")
		s.guests.clear()
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) clearStream(w http.ResponseWriter, r *http.Request, c *camera) error {
	s.clear(c)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) clear(c *camera) {
	c.forget()
	s.cache.forget(c, "")
}
