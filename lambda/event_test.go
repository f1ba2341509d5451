package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/origin"
)

func TestEvent(t *testing.T) {
	o := startOrigin(t)
	url := o.HLS(origin.TS)
	f, log := environment{}.open(t)
	for _, test := range []struct {
		event  map[string]any
		format string
		width  int
	}{
		{map[string]any{"url": url}, "jpeg", 640},
		{map[string]any{"url": url, "width": 320, "format": "png", "edge": "last", "overlay": true, "name": "lobby"}, "png", 320},
		{map[string]any{"url": url, "height": 72, "quality": 5, "at": 1.5, "headers": map[string]string{"Referer": "x"}}, "jpeg", 128},
		{map[string]any{"url": url, "at": "00:00:02", "width": nil}, "jpeg", 640},
		{map[string]any{"url": url, "crop": "50%x50%+25%+25%", "skip_black": 3}, "jpeg", 320},
		{map[string]any{"url": url, "width": 100, "height": 100, "fit": "contain"}, "jpeg", 100},
	} {
		a := f.event(t, test.event)
		isPicture(t, a.Body, test.format, test.width)
		if a.ContentType != "image/"+test.format || a.Width != test.width || a.Size != len(a.Body) || a.Location != "" || a.Codec != "h264" {
			t.Errorf("%v: %+v", test.event, *a)
		}
		if taken, err := time.Parse(time.RFC3339, a.Taken); err != nil || time.Since(taken) > testTime || a.MediaTime == "" || a.Age == nil || a.Requests == 0 || a.Down == 0 || a.URL != url {
			t.Errorf("%v: %+v", test.event, *a)
		}
	}
	if a := f.event(t, map[string]any{"url": url, "format": "annexb"}); !strings.HasPrefix(string(a.Body), "\x00\x00\x00\x01") || a.Width != 640 {
		t.Errorf("annexb: %d bytes, %d wide", len(a.Body), a.Width)
	}
	if n := strings.Count(log.String(), `"outcome":"ok"`); n != 7 || strings.Count(log.String(), "\n") != 7 {
		t.Errorf("log: %s", log)
	}
}

// TestEventWarm: the second picture costs a playlist and a range, and no new
// decoder.
func TestEventWarm(t *testing.T) {
	o := startOrigin(t)
	f, log := environment{}.open(t)
	event := map[string]any{"url": o.HLS(origin.TS), "width": 320}
	first, second := f.event(t, event), f.event(t, event)
	if second.Requests >= first.Requests || second.Requests > 2 {
		t.Errorf("%d requests, then %d", first.Requests, second.Requests)
	}
	// On a busy machine a kept decoder may miss its deadline, and another is
	// started.
	if s := f.decoders.Stats(); s.Warm+s.Alone != 2 || (s.Discarded == 0 && s.Started != 1) {
		t.Errorf("%+v", s)
	}
	if !strings.Contains(log.String(), `"warm":true`) || f.streams.idle.Len() != 1 {
		t.Errorf("%d streams kept: %s", f.streams.idle.Len(), log)
	}
}

// TestEventsAtOnce: a function may get several events at a time.
func TestEventsAtOnce(t *testing.T) {
	url := startOrigin(t).HLS(origin.TS)
	f, _ := environment{}.open(t)
	var all sync.WaitGroup
	for k := range 8 {
		all.Go(func() {
			payload := fmt.Sprintf(`{"url":%q,"width":%d}`, url, 100+k%2)
			if _, err := f.Invoke(within(t, testTime), []byte(payload)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := f.streams.idle.Len(); n != 2 {
		t.Errorf("%d streams are kept", n)
	}
}

// TestEventNamed: an event's fields override those of the named stream.
func TestEventNamed(t *testing.T) {
	o := startOrigin(t)
	f, _ := environment{streamsVariable: named(t, "lobby", map[string]any{"url": o.HLS(origin.FMP4), "width": 320, "format": "png", "sink": nil})}.open(t)
	a := f.event(t, map[string]any{"stream": "lobby"})
	isPicture(t, a.Body, "png", 320)
	a = f.event(t, map[string]any{"stream": "lobby", "width": 160, "format": "jpeg"})
	isPicture(t, a.Body, "jpeg", 160)
	if a.Name != "lobby" {
		t.Errorf("name %q", a.Name)
	}
}

func TestEventRefused(t *testing.T) {
	unauthorised := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	html := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) })
	f, log := environment{streamsVariable: `{"lobby":{"url":"http://127.0.0.1:1/"}}`}.open(t)
	for _, test := range []struct{ event, class, text string }{
		{``, "usage", ""},
		{`{}`, "usage", `"url"`},
		{`{"url":"http://127.0.0.1/","with":1}`, "usage", `unknown field "with"`},
		{`{"url":"http://127.0.0.1/"} {}`, "usage", "after the JSON"},
		{`{"url":"http://127.0.0.1/","stream":"lobby"}`, "usage", "exclude each other"},
		{`{"url":"http://127.0.0.1/","width":-1}`, "usage", "out of bounds"},
		{`{"url":"http://127.0.0.1/","format":"gif"}`, "usage", "gif"},
		{`{"url":"http://127.0.0.1/","edge":"best"}`, "usage", "first, last or next"},
		{`{"url":"http://127.0.0.1/","at":"now"}`, "usage", "00:01:30"},
		{`{"url":"http://127.0.0.1/","crop":"half"}`, "usage", "half"},
		{`{"url":"http://127.0.0.1/","fit":"cover"}`, "usage", "width and height"},
		{`{"url":"http://127.0.0.1/","skip_black":1000}`, "usage", "tries"},
		{`{"url":"http://127.0.0.1/","sink":"/tmp"}`, "usage", "s3://"},
		{`{"url":"http://127.0.0.1/","sink":"s3://b/{tiem}.jpg"}`, "usage", "{tiem}"},
		{`{"url":"http://me:s3cret%zz@127.0.0.1/"}`, "usage", "URL"},
		{`{"url":"ftp://127.0.0.1/"}`, "usage", "kfgrab reads"},
		{`{"stream":"hall"}`, "no-stream", `"hall"`},
		{`{"stream":"lobby"}`, "network", "connection refused"},
		{`{"url":"` + strings.Replace(unauthorised, "://", "://me:s3cret@", 1) + `/live.m3u8?token=s3cret"}`, "unauthorised", "401"},
		{`{"url":"` + html + `"}`, "bad-stream", ""},
	} {
		r := f.refusal(t, test.event)
		if r.Type != test.class || !strings.Contains(r.Message, test.text) || strings.Contains(r.Message, "\n") {
			t.Errorf("%s: %s: %s; want %s: %s", test.event, r.Type, r.Message, test.class, test.text)
		}
		if strings.Contains(r.Message, "s3cret") {
			t.Errorf("%s: %s", test.event, r.Message)
		}
	}
	if strings.Contains(log.String(), "s3cret") {
		t.Errorf("log: %s", log)
	}
}

// TestEventAllowed: a list of hosts applies to the URLs of events, but not to
// named streams.
func TestEventAllowed(t *testing.T) {
	url := startOrigin(t).HLS(origin.TS)
	f, _ := environment{allowedVariable: "example.com, 192.0.2.0/24", streamsVariable: named(t, "lobby", map[string]any{"url": url})}.open(t)
	f.event(t, map[string]any{"stream": "lobby"})
	for _, url := range []string{url, "file:///etc/passwd", "/etc/passwd", "udp://example.com:1"} {
		if r := f.refusal(t, string(encode(t, map[string]string{"url": url}))); r.Type != "not-allowed" {
			t.Errorf("%s: %+v", url, r)
		}
	}
	f, _ = environment{allowedVariable: "127.0.0.1"}.open(t)
	f.event(t, map[string]any{"url": url})
}

// TestEventTooLarge: a picture too large for Lambda's answer is an error that
// says what to do.
func TestEventTooLarge(t *testing.T) {
	f, _ := environment{}.open(t)
	event := encode(t, map[string]any{"url": startOrigin(t).HLS(origin.TS), "format": "rgb24", "width": 1920})
	if r := f.refusal(t, string(event)); r.Type != "usage" || !strings.Contains(r.Message, `"sink"`) {
		t.Errorf("%+v", r)
	}
}

// TestEventDeadline: a timeout is reported before Lambda kills the function.
func TestEventDeadline(t *testing.T) {
	blocked := make(chan struct{})
	url := serve(t, func(http.ResponseWriter, *http.Request) { <-blocked })
	t.Cleanup(func() { close(blocked) })
	f, _ := environment{}.open(t)
	ctx := within(t, time.Second)
	_, err := f.Invoke(ctx, encode(t, map[string]string{"url": url + "/live.m3u8"}))
	if err == nil || !strings.Contains(err.Error(), "longer timeout") || !strings.Contains(err.Error(), `"timeout"`) {
		t.Errorf("%v", err)
	}
	if ctx.Err() != nil {
		t.Error("no time was left to report it")
	}
}
