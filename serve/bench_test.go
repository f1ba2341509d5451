package serve

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/kfgrab/kfgrab/serve/internal/servetest"
)

// blank is a writer that discards everything.
type blank struct{ header http.Header }

func (b *blank) Header() http.Header         { return b.header }
func (b *blank) Write(p []byte) (int, error) { return len(p), nil }
func (b *blank) WriteHeader(int)             {}

// BenchmarkCached measures what the service itself takes for a cached picture,
// without HTTP.
func BenchmarkCached(b *testing.B) {
	s := start(b, &Options{Streams: []Stream{stream(b, "door="+servetest.LiveHLS(b))}})
	const path = "/streams/door/snapshot.jpg?width=160&max_age=3600"
	etag := s.get(b, path).Header.Get("ETag")
	for name, condition := range map[string]string{"picture": "", "not modified": etag} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("GET", path, nil)
			r.Header.Set("If-None-Match", condition)
			b.ReportAllocs()
			for b.Loop() {
				s.ServeHTTP(&blank{http.Header{}}, r)
			}
		})
	}
}
