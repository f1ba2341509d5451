package bench

import (
	"bufio"
	"strings"
	"testing"
	"time"
)

func TestSkipAnswer(t *testing.T) {
	const next = "HTTP/1.1 304 Not Modified\r\n\r\n"
	for text, want := range map[string]answerHead{
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc":                   {200, 3, false},
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n": {200, 0, true},
		"HTTP/1.1 304 Not Modified\r\nAge: 1\r\n\r\n":                       {304, 0, false},
	} {
		in := bufio.NewReader(strings.NewReader(text + next))
		if got, err := skipAnswer(in); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
		if got, err := skipAnswer(in); err != nil || got.status != 304 {
			t.Errorf("after %q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "HTTP/1.1 200", "nonsense\r\n\r\n", "HTTP/1.1 xyz\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"} {
		if got, err := skipAnswer(bufio.NewReader(strings.NewReader(text))); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestServeReport(t *testing.T) {
	var b strings.Builder
	r := &ServeResult{
		ServeConfig: ServeConfig{Clients: 32, Crowd: 500, Viewers: 1000},
		Loads:       []ServeLoad{{Name: "cached", Status: 200, Bytes: 1000, Took: []time.Duration{time.Millisecond, 3 * time.Millisecond}, For: 2 * time.Second}},
		Grabs:       1, Idle: 20e6, Viewing: 60e6, Streams: 1, Fresh: []time.Duration{15 * time.Millisecond},
	}
	if _, err := r.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| cached | 200 | 1000 | 1.0 | 3ms | 3ms | 3ms |", "500 clients", ": 1 grab(s)", "median 15ms", "40.0 kB each"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in %s", want, b.String())
		}
	}
}
