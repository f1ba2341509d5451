package serve

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestScope: a restricted client sees its own streams only, and cannot find out
// which others exist.
func TestScope(t *testing.T) {
	h := startHousehold(t)
	var list listReport
	if err := json.Unmarshal(h.get(t, "/streams", "Authorization", h.wall).body, &list); err != nil || len(list.Streams) != 1 || list.Streams[0].Name != "door" {
		t.Errorf("%v %+v", err, list.Streams)
	}
	for _, test := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/streams/door", 200},
		{"GET", "/streams/gone", 404},
		{"GET", "/streams/yard", 403},
		{"GET", "/streams/nobody", 403},
		{"GET", "/streams/yard/snapshot.jpg", 403},
		{"GET", "/streams/yard/mjpeg", 403},
		{"GET", "/streams/yard/events", 403},
		{"GET", "/latest.jpg?stream=yard", 403},
		{"GET", "/stream/info", 200},
		{"DELETE", "/cache/yard", 403},
		{"DELETE", "/cache/door", 204},
		{"DELETE", "/cache", 204},
		{"GET", "/metrics", 403},
		{"GET", "/snapshot.jpg?url=http://example.com/", 403},
		{"GET", "/latest.jpg?url=http://example.com/", 403},
		{"GET", "/nothing", 404},
		{"PUT", "/cache", 405},
	} {
		if got := h.do(t, test.method, test.path, "Authorization", h.wall); got.StatusCode != test.status {
			t.Errorf("%s %s: %s, want %d: %s", test.method, test.path, got.Status, test.status, got.body)
		}
	}
	if got := h.get(t, "/stream/info", "Authorization", h.wall); !strings.Contains(string(got.body), `"door"`) {
		t.Errorf("the first stream: %s", got.body)
	}
	for _, path := range []string{"/streams", "/cache", "/metrics"} {
		if got := h.get(t, path, "Authorization", h.admin); got.StatusCode != 200 || path == "/streams" && !strings.Contains(string(got.body), "yard") {
			t.Errorf("%s of who may see all: %s", path, got.Status)
		}
	}
}

// TestEventsInScope: events are those of the client's own streams, and end when
// it loses access.
func TestEventsInScope(t *testing.T) {
	h := startHousehold(t)
	r, err := http.NewRequest("GET", h.url+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", h.wall)
	res, err := h.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for _, name := range []string{"yard", "door"} {
		h.get(t, "/streams/"+name+"/snapshot.jpg", "Authorization", h.admin)
	}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "event: failure") {
	}
	if lines.Scan(); !strings.Contains(lines.Text(), `"stream":"door"`) {
		t.Errorf("%q", lines.Text())
	}
	conf := h.guard.Load().conf
	conf.Clients = conf.Clients[:1]
	if err := h.SetGuard(conf); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(res.Body)
	if err != nil || strings.Contains(string(rest), "yard") {
		t.Errorf("%v %s", err, rest)
	}
	if got := h.get(t, "/streams", "Authorization", h.wall); got.StatusCode != 401 {
		t.Errorf("who may not any more: %s", got.Status)
	}
}
