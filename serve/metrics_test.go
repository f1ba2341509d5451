package serve

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/kfgrab/kfgrab/serve/internal/servetest"
)

// TestMetrics: everything is counted, under configured names only.
func TestMetrics(t *testing.T) {
	s := start(t, &Options{
		Software: "test/1", Guard: Guard{Allow: "127.0.0.1"},
		Streams: []Stream{stream(t, "door="+servetest.LiveHLS(t)), stream(t, "gone=http://127.0.0.1:1/?token=geheim")},
	})
	for _, path := range []string{
		"/streams/door/snapshot.jpg?width=160&max_age=3600", "/streams/door/snapshot.jpg?width=160&max_age=3600", "/streams/gone/snapshot.jpg",
		"/streams/nobody/snapshot.jpg", "/nothing/at/all", "/snapshot.mp4?url=" + url.QueryEscape(servetest.LiveHLS(t)), "/snapshot.mp4?url=http://127.0.0.1:1/geheim",
	} {
		s.get(t, path)
	}
	s.do(t, "DELETE", "/cache", "Sec-Fetch-Site", "cross-site")
	got := s.get(t, "/metrics")
	text := string(got.body)
	if !strings.HasPrefix(got.Header.Get("Content-Type"), "text/plain") || got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", got.Header)
	}
	for _, want := range []string{
		`kfgrab_build_info{software="test/1"} 1`,
		`kfgrab_streams 2`,
		`kfgrab_grabs_total{outcome="ok",stream="door"} 1`,
		`kfgrab_grabs_total{outcome="network",stream="gone"} 1`,
		`kfgrab_grabs_total{outcome="ok",stream="?url"} 1`,
		`kfgrab_grabs_total{outcome="network",stream="?url"} 1`,
		`kfgrab_stream_failing{stream="gone"} 1`,
		`kfgrab_stream_failing{stream="door"} 0`,
		`kfgrab_stream_received_bytes_total{stream="door"} `,
		`kfgrab_picture_age_seconds{stream="door"} `,
		`kfgrab_sessions 0`,
		`kfgrab_viewers 0`,
		`kfgrab_guests 2`,
		`kfgrab_cache_lookups_total{result="hit"} 1`,
		`kfgrab_decoded_pictures_total{process="`,
		`kfgrab_grab_duration_seconds_count 4`,
		`kfgrab_render_duration_seconds_count 2`,
		`kfgrab_http_requests_total{route="/streams/{name}/{file}",status="200"} 2`,
		`kfgrab_http_requests_total{route="/streams/{name}/{file}",status="502"} 1`,
		`kfgrab_http_requests_total{route="none",status="404"} 1`,
		`kfgrab_http_request_duration_seconds_bucket{route="/streams/{name}/{file}",le="30"} 4`,
		`kfgrab_http_refused_total{reason="foreign_page"} 1`,
		`go_goroutines `,
		`process_open_fds `,
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("there is no %s", want)
		}
	}
	for _, none := range []string{"geheim", "http://", "127.0.0.1", "nobody", "nothing", `picture_age_seconds{stream="gone"}`} {
		if strings.Contains(regexp.MustCompile(`(?m)^#.*`).ReplaceAllString(text, ""), none) {
			t.Errorf("there is %s", none)
		}
	}
	problems, err := testutil.GatherAndLint(s.metrics.registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %+v", err, problems)
	}
}

// TestMetricsOfStreams: metrics of a removed stream are gone, and requests add
// no series.
func TestMetricsOfStreams(t *testing.T) {
	s := start(t, &Options{Guard: Guard{Allow: "127.0.0.1"}, Streams: []Stream{stream(t, "gone=http://127.0.0.1:1/")}})
	count := func() int {
		t.Helper()
		n, err := testutil.GatherAndCount(s.metrics.registry)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	ask := func(i string) {
		for _, path := range []string{"/streams/gone/snapshot.jpg?width=1" + i, "/streams/x" + i + "/snapshot.jpg", "/x" + i, "/snapshot.jpg?url=http://127.0.0.1:1/" + i} {
			s.get(t, path)
			s.do(t, "X"+i, path)
		}
		s.get(t, "/metrics")
		s.get(t, "/metrics")
	}
	ask("0")
	before := count()
	for _, i := range []string{"1", "2", "3", "4", "5"} {
		ask(i)
	}
	if n := count(); n != before {
		t.Errorf("%d series, and %d then", before, n)
	}
	if err := s.Set(nil); err != nil {
		t.Fatal(err)
	}
	if text := string(s.get(t, "/metrics").body); strings.Contains(text, `stream="gone"`) {
		t.Error(text)
	}
}
