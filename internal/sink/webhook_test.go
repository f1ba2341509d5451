package sink

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/kfgrab/kfgrab/internal/event"
)

func newWebhook(t *testing.T, address string, o *WebhookOptions) *Webhook {
	t.Helper()
	w, err := NewWebhook(address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func TestWebhookPost(t *testing.T) {
	secret := "whsec_aHVzaA==" // hush
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	type request struct {
		body   map[string]any
		header http.Header
		err    error
	}
	got := make(chan request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = verifier.Verify(body, r.Header)
		}
		q := request{header: r.Header, err: err}
		json.Unmarshal(body, &q.body)
		got <- q
	}))
	defer server.Close()
	w := newWebhook(t, server.URL+"/services/T0/secret", &WebhookOptions{Secret: secret, Header: http.Header{"authorization": {"Bearer x"}}})
	p := shot(250*time.Millisecond, "picture")
	p.Width, p.Height = 64, 48
	for _, media := range []bool{false, true} {
		want := map[string]any{
			"event": "picture", "stream": "cam", "time": "2026-03-01T12:00:00.25Z", "file": "shots/a.jpg",
			"url": "rtsp://xxxxx@camera/stream", "content_type": "image/jpeg", "size": 7.0, "width": 64.0, "height": 48.0,
		}
		if media {
			p.MediaTime = noon
			want["media_time"] = "2026-03-01T12:00:00Z"
		}
		if err := w.Post(within(t, testTime), p.Event("shots/a.jpg")); err != nil {
			t.Fatal(err)
		}
		q := <-got
		if q.err != nil || q.header.Get("Content-Type") != "application/json" || q.header.Get("Authorization") != "Bearer x" {
			t.Errorf("%v, %v", q.err, q.header)
		}
		if id, _ := q.body["id"].(string); len(id) < 20 || q.header.Get(idHeader) != id {
			t.Errorf("id %q", id)
		}
		delete(q.body, "id")
		if diff := cmp.Diff(want, q.body); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWebhookUnsigned(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, there := r.Header[signatureHeader]; there {
			t.Error("signed without a secret")
		}
	}))
	defer server.Close()
	if err := newWebhook(t, server.URL, nil).Post(within(t, testTime), event.Event{}); err != nil {
		t.Error(err)
	}
}

// A redirect is not followed, and the error of a refusal does not show the path.
func TestWebhookRefused(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the redirect was followed")
	}))
	defer elsewhere.Close()
	for code, want := range map[int]string{
		http.StatusTemporaryRedirect: "use the address that it leads to",
		http.StatusMovedPermanently:  "use the address that it leads to",
		http.StatusNotFound:          "404 Not Found: no_such hook",
		http.StatusUnauthorized:      "401 Unauthorized: no_such hook",
	} {
		requests := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			requests++
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(code)
			io.WriteString(w, "no_such\nhook\n")
		}))
		w := newWebhook(t, strings.Replace(server.URL, "://", "://user:hush@", 1)+"/hush?key=hush", &WebhookOptions{Secret: "hush"})
		err := w.Post(within(t, testTime), event.Event{})
		server.Close()
		var refusal *statusError
		if !errors.As(err, &refusal) || refusal.Code != code || requests != 1 {
			t.Errorf("%d: %v, %d requests", code, err, requests)
			continue
		}
		if !strings.HasPrefix(err.Error(), "webhook at "+server.URL+": status") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%d: %v", code, err)
		}
	}
}

func TestWebhookAddress(t *testing.T) {
	for _, address := range []string{"", "hooks.example.com/x", "ftp://u:hush@h/", "http://", "http://u:hush@h\x7f/"} {
		if _, err := NewWebhook(address, nil); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestWebhookUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	err = newWebhook(t, "http://"+l.Addr().String()+"/hush", &WebhookOptions{attempts: 1}).Post(within(t, testTime), event.Event{})
	if !errors.Is(err, syscall.ECONNREFUSED) || !strings.Contains(err.Error(), ": connection refused") || strings.Contains(err.Error(), "hush") {
		t.Error(err)
	}
}

// answers stands in for a server without a network, so that tests can use a fake
// clock.
type answers struct {
	handle func(n int, r *http.Request) (*http.Response, error)
	times  []time.Time
	ids    map[string]bool
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.times = append(a.times, time.Now())
	var m message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		return nil, err
	}
	if a.ids == nil {
		a.ids = map[string]bool{}
	}
	a.ids[m.ID] = true
	return a.handle(len(a.times), r)
}

func status(code int, retryAfter string) (*http.Response, error) {
	return &http.Response{StatusCode: code, Header: http.Header{"Retry-After": {retryAfter}}, Body: http.NoBody}, nil
}

// A message is sent again after a temporary failure, with growing pauses, but
// not for ever.
func TestWebhookRetries(t *testing.T) {
	for _, c := range []struct {
		name     string
		handle   func(n int, r *http.Request) (*http.Response, error)
		attempts int
		err      string
	}{
		{"the server comes back", func(n int, _ *http.Request) (*http.Response, error) {
			if n < 4 {
				return status(http.StatusServiceUnavailable, "")
			}
			return status(http.StatusNoContent, "")
		}, 4, ""},
		{"the server stays away", func(int, *http.Request) (*http.Response, error) {
			return nil, syscall.ECONNRESET
		}, defaultAttempts, "connection reset by peer (5 attempts)"},
		{"the server hangs", func(_ int, r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, defaultAttempts, "no answer within 10s (5 attempts)"},
		{"the server refuses at last", func(n int, _ *http.Request) (*http.Response, error) {
			if n < 2 {
				return status(http.StatusTooManyRequests, "")
			}
			return status(http.StatusGone, "")
		}, 2, "status 410 Gone"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWebhook(t, "http://hook/", nil)
			a := &answers{handle: c.handle}
			w.http.Transport = a
			err := w.Post(t.Context(), event.Event{})
			if (err == nil) != (c.err == "") || err != nil && !strings.HasSuffix(err.Error(), c.err) {
				t.Errorf("%s: %v, want %s", c.name, err, c.err)
			}
			if len(a.times) != c.attempts || len(a.ids) != 1 {
				t.Errorf("%s: %d attempts, want %d; ids %v", c.name, len(a.times), c.attempts, a.ids)
			}
		})
	}
}

func TestWebhookRetryAfter(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"20": 20 * time.Second, "86400": maxRetryAfter, "99999999999999999999": 0,
		"Sat, 01 Jan 2000 00:00:40 GMT": 40 * time.Second, // by synctest's clock
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWebhook(t, "http://hook/", &WebhookOptions{attempts: 2})
			a := &answers{handle: func(int, *http.Request) (*http.Response, error) { return status(503, header) }}
			w.http.Transport = a
			if err := w.Post(t.Context(), event.Event{}); err == nil {
				t.Error("no error")
			}
			if waited := a.times[1].Sub(a.times[0]); want > 0 && waited != want || waited > maxRetryAfter {
				t.Errorf("%s: %v, want %v", header, waited, want)
			}
		})
	}
}

func TestWebhookIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWebhook(t, "http://hook/", nil)
		a := &answers{handle: func(int, *http.Request) (*http.Response, error) { return status(503, "") }}
		w.http.Transport = a
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		var refusal *statusError
		if err := w.Post(ctx, event.Event{}); !errors.As(err, &refusal) || len(a.times) != 1 {
			t.Errorf("%v after %d attempts", err, len(a.times))
		}
	})
}

func TestRetryWait(t *testing.T) {
	for _, c := range []struct {
		n      int
		wanted time.Duration
		chance float64
		want   time.Duration
	}{
		{1, 0, 0, 500 * time.Millisecond},
		{1, 0, 1, time.Second},
		{3, 0, 0.5, 3 * time.Second},
		{6, 0, 1, maxWait},
		{1000, 0, 1, maxWait},
		{1, 20 * time.Second, 1, 20 * time.Second},
		{5, time.Second, 1, 16 * time.Second},
	} {
		if got := retryWait(c.n, c.wanted, c.chance); got != c.want {
			t.Errorf("attempt %d, wanted %v, chance %v: %v, want %v", c.n, c.wanted, c.chance, got, c.want)
		}
	}
}

// The signature is the one of Standard Webhooks, and its library accepts it.
func TestSignature(t *testing.T) {
	body := []byte(`{"id":"1"}`)
	for secret, raw := range map[string]string{"hush": "hush", "whsec_aHVzaA==": "hush", "whsec": "whsec"} {
		key, err := signingKey(secret)
		if err != nil || string(key) != raw {
			t.Fatalf("%s: %q, %v", secret, key, err)
		}
		h := http.Header{}
		signMessage(h, key, "1", noon, body)

		verifier, err := standardwebhooks.NewWebhookRaw([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier.VerifyIgnoringTimestamp(body, h); err != nil {
			t.Errorf("%s: %v", secret, err)
		}
		// As made by: printf '1.1772366400.{"id":"1"}' | openssl dgst -sha256 -hmac hush -binary | base64
		const want = "v1,5tV6Cvh1WlpoPl5AUfuMowZS5pkeusEHHhyat9eUBT8="
		if raw == "hush" && (h.Get(signatureHeader) != want || h.Get(timeHeader) != "1772366400" || h.Get(idHeader) != "1") {
			t.Errorf("%s: %v, want %s", secret, h, want)
		}
		for _, other := range []string{`{"id":"2"}`, ""} {
			if verifier.VerifyIgnoringTimestamp([]byte(other), h) == nil {
				t.Errorf("%s: verifies %q", secret, other)
			}
		}
		h.Set(timeHeader, "1772366401")
		if verifier.VerifyIgnoringTimestamp(body, h) == nil {
			t.Errorf("%s: verifies another time", secret)
		}
	}
	for _, secret := range []string{"whsec_", "whsec_hush!"} {
		if _, err := NewWebhook("https://hook/", &WebhookOptions{Secret: secret}); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", secret, err)
		}
	}
}
