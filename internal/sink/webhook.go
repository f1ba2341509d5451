package sink

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/sleep"
)

const (
	// DefaultWebhookTimeout is for one attempt where WebhookOptions.Timeout is 0.
	DefaultWebhookTimeout = 10 * time.Second
	// DefaultAttempts is how often a picture is told of where WebhookOptions.Attempts
	// is 0; the waits between them are a quarter of a minute at most.
	DefaultAttempts = 5

	// The waits between attempts double from the one to the other.
	firstWait = time.Second
	maxWait   = 30 * time.Second
	// maxRetryAfter bounds what a server may ask for: its queue is ours.
	maxRetryAfter = time.Minute

	// maxReply of a server that refuses is read, for its reason.
	maxReply = 4 << 10
)

// WebhookOptions says how a webhook is called. The zero value works.
type WebhookOptions struct {
	Secret   []byte        // signs each request; empty: none is signed
	Header   http.Header   // goes with each request, as Authorization
	Timeout  time.Duration // for one attempt; 0 means DefaultWebhookTimeout
	Attempts int           // 0 means DefaultAttempts
	TLS      *tls.Config   // nil: the system's authorities
}

// Webhook tells of pictures over HTTP: a POST of a JSON object with the fields
//
//	id            of this message, the same for each attempt of it
//	event         "picture"
//	stream        the stream's name
//	time          when it was taken: RFC 3339, UTC
//	media_time    when the scene was; absent where unknown
//	file          its path, or s3:// URL
//	url           the stream's, without credentials
//	content_type  image/jpeg, …
//	size          bytes
//	width height  pixels; absent where unknown
//
// A status of 2xx is a success. No connection, no answer in time, 408, 425, 429 and 5xx
// are tried again, after waits that grow to half a minute, or as Retry-After says, but
// for no more than a minute. Everything else is final, and so are redirects: what is
// signed goes to the address that the user gave and to no other.
//
// With a secret there is a header X-Kfgrab-Signature: t=1772366400,v1=… as
// [VerifySignature] checks it.
type Webhook struct {
	url   string // may hold secrets
	shown string
	opt   WebhookOptions
	http  *http.Client
}

// NewWebhook checks the address and sends nothing yet.
func NewWebhook(address string, o *WebhookOptions) (*Webhook, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("webhook: the address is no http:// or https:// URL")
	}
	w := &Webhook{url: address, shown: shownHook(u)}
	if o != nil {
		w.opt = *o
	}
	w.http = &http.Client{
		Transport:     transport(w.opt.TLS),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return w, nil
}

// shownHook is the host alone: of many webhooks the path is the secret.
func shownHook(u *url.URL) string { return "webhook at " + u.Scheme + "://" + u.Host }

type message struct {
	ID          string    `json:"id"`
	Event       string    `json:"event"`
	Stream      string    `json:"stream"`
	Time        time.Time `json:"time"`
	MediaTime   time.Time `json:"media_time,omitzero"`
	File        string    `json:"file"`
	URL         string    `json:"url"`
	ContentType string    `json:"content_type"`
	Size        int       `json:"size"`
	Width       int       `json:"width,omitempty"`
	Height      int       `json:"height,omitempty"`
}

// Post tells of e and returns when that is done or given up. The error is a
// *[StatusError] where the server refuses.
func (w *Webhook) Post(ctx context.Context, e Event) error {
	body, err := json.Marshal(message{
		ID: rand.Text(), Event: "picture", Stream: e.Stream, Time: e.Time.UTC(), MediaTime: e.MediaTime.UTC(),
		File: e.File, URL: e.URL, ContentType: e.ContentType, Size: e.Size, Width: e.Width, Height: e.Height,
	})
	if err != nil {
		return fmt.Errorf("%s: %w", w.shown, err)
	}
	attempts := cmp.Or(w.opt.Attempts, DefaultAttempts)
	for n := 1; ; n++ {
		again, wanted, err := w.attempt(ctx, body)
		switch {
		case err == nil:
			return nil
		case !again || ctx.Err() != nil:
			return err
		case n >= attempts && n == 1:
			return err
		case n >= attempts:
			return fmt.Errorf("%w (%d attempts)", err, n)
		}
		if !sleep.For(ctx, pause(n, wanted, mrand.Float64())) {
			return err
		}
	}
}

// attempt says on failure whether another one makes sense, and when the server wants it.
func (w *Webhook) attempt(ctx context.Context, body []byte) (again bool, wanted time.Duration, err error) {
	timeout := cmp.Or(w.opt.Timeout, DefaultWebhookTimeout)
	limited, cancel := context.WithTimeoutCause(ctx, timeout, &neterror.TimeoutError{What: "no answer", Limit: timeout})
	defer cancel()
	resp, err := w.send(limited, body)
	if err != nil {
		if limited.Err() != nil {
			err = fmt.Errorf("%s: %w", w.shown, context.Cause(limited))
		} else {
			err = &transferError{w.shown, err}
		}
		return true, 0, err
	}
	defer resp.Body.Close()
	reply, _ := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if resp.StatusCode/100 == 2 {
		return false, 0, nil
	}
	refusal := &StatusError{URL: w.shown, Code: resp.StatusCode, Msg: neterror.Line(string(bytes.TrimSpace(reply)))}
	if resp.StatusCode/100 == 3 {
		refusal.Msg = "redirects are not followed: give the address that it leads to"
	}
	return retried(resp.StatusCode), retryAfter(resp.Header.Get("Retry-After"), time.Now()), refusal
}

func (w *Webhook) send(ctx context.Context, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range w.opt.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "kfgrab")
	if len(w.opt.Secret) > 0 {
		req.Header.Set(SignatureHeader, sign(w.opt.Secret, body, time.Now()))
	}
	return w.http.Do(req)
}

func retried(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}

// retryAfter reads the header of this name (RFC 9110 10.2.3): seconds or a date.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(header); err == nil {
		return time.Duration(min(max(seconds, 0), int(maxRetryAfter/time.Second))) * time.Second
	}
	if date, err := http.ParseTime(header); err == nil {
		return min(max(date.Sub(now), 0), maxRetryAfter)
	}
	return 0
}

// pause is the wait after the nth attempt, at least as long as the server wants. chance,
// from 0 to 1, spreads it over the upper half of what it may be.
func pause(n int, wanted time.Duration, chance float64) time.Duration {
	longest := maxWait
	if n < 6 {
		longest = min(firstWait<<(n-1), maxWait)
	}
	return max(wanted, longest/2+time.Duration(chance*float64(longest/2)))
}

// Close closes the connections that are kept.
func (w *Webhook) Close() error {
	w.http.CloseIdleConnections()
	return nil
}
