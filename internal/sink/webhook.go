package sink

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/internal/event"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/sleep"
)

const (
	// defaultWebhookTimeout bounds one attempt if WebhookOptions.Timeout is 0.
	defaultWebhookTimeout = 10 * time.Second
	// defaultAttempts bounds how often a message is sent. The waits in between are at
	// most 15 s in all.
	defaultAttempts = 5

	// The wait doubles from one attempt to the next.
	firstWait = time.Second
	maxWait   = 30 * time.Second
	// maxRetryAfter bounds what a server may ask for, as other messages wait meanwhile.
	maxRetryAfter = time.Minute

	// maxReply bounds what is read of a refusal, for its reason.
	maxReply = 4 << 10
)

// WebhookOptions are the settings of a Webhook. The zero value works.
type WebhookOptions struct {
	// Secret signs each request if it is not empty: whsec_ and a key in base64, or any
	// other text, whose bytes are the key.
	Secret   string
	Header   http.Header   // added to each request, such as Authorization
	Timeout  time.Duration // for one attempt; 0 means 10 s
	attempts int           // 0 means defaultAttempts
}

// Webhook reports events over HTTP: a POST of the JSON form of an event.Event, with times
// in UTC, and with the field id of this message, the same in each attempt to send it.
//
// A status of 2xx is a success. After no connection, no answer in time, 408, 425, 429
// and 5xx the message is sent again, after waits that grow to half a minute, or as
// Retry-After says, up to a minute. Everything else is final, redirects too: a signed
// message goes to the address that the user gave and to no other.
//
// With a secret, messages are signed as Standard Webhooks 1.0.0 says, in the headers
// webhook-id, webhook-timestamp and webhook-signature. Its libraries, in many
// languages, verify them.
type Webhook struct {
	url   string // may contain secrets
	shown string
	key   []byte // empty: messages are not signed
	opt   WebhookOptions
	http  *http.Client
}

// NewWebhook checks the address and the secret. It sends nothing yet.
func NewWebhook(address string, o *WebhookOptions) (*Webhook, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("webhook: the address must be an http:// or https:// URL")
	}

	w := &Webhook{url: address, shown: hookLabel(u)}
	if o != nil {
		w.opt = *o
	}
	if w.key, err = signingKey(w.opt.Secret); err != nil {
		return nil, err
	}

	w.http = &http.Client{
		Transport:     newTransport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return w, nil
}

// hookLabel names only the host, because the path of many webhooks is a secret.
func hookLabel(u *url.URL) string { return "webhook at " + u.Scheme + "://" + u.Host }

type message struct {
	ID string `json:"id"`
	event.Event
}

// Post reports e and returns after it succeeded or failed for good. The error is a
// *statusError if the server refuses.
func (w *Webhook) Post(ctx context.Context, e event.Event) error {
	m := message{rand.Text(), e.InUTC()}
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("%s: %w", w.shown, err)
	}

	attempts := cmp.Or(w.opt.attempts, defaultAttempts)
	for n := 1; ; n++ {
		retry, wanted, err := w.postOnce(ctx, m.ID, body)
		switch {
		case err == nil:
			return nil
		case !retry || ctx.Err() != nil:
			return err
		case n >= attempts && n == 1:
			return err
		case n >= attempts:
			return fmt.Errorf("%w (%d attempts)", err, n)
		}
		if !sleep.For(ctx, retryWait(n, wanted, mrand.Float64())) {
			return err
		}
	}
}

// postOnce reports, after a failure, whether another attempt may succeed and how long
// the server wants it to wait.
func (w *Webhook) postOnce(ctx context.Context, id string, body []byte) (retry bool, wanted time.Duration, err error) {
	timeout := cmp.Or(w.opt.Timeout, defaultWebhookTimeout)
	limited, cancel := context.WithTimeoutCause(ctx, timeout, &neterror.TimeoutError{What: "no answer", Limit: timeout})
	defer cancel()

	resp, err := w.send(limited, id, body)
	if err != nil {
		if limited.Err() != nil {
			return true, 0, fmt.Errorf("%s: %w", w.shown, context.Cause(limited))
		}
		return true, 0, &transferError{w.shown, err}
	}
	defer resp.Body.Close()
	reply, _ := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if resp.StatusCode/100 == 2 {
		return false, 0, nil
	}

	refusal := &statusError{URL: w.shown, Code: resp.StatusCode, Msg: neterror.Line(string(bytes.TrimSpace(reply)))}
	if resp.StatusCode/100 == 3 {
		refusal.Msg = "redirects are not followed: use the address that it leads to"
	}
	return isTransient(resp.StatusCode), parseRetryAfter(resp.Header.Get("Retry-After"), time.Now()), refusal
}

func (w *Webhook) send(ctx context.Context, id string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}

	for name, values := range w.opt.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "kfgrab")
	if len(w.key) > 0 {
		signMessage(req.Header, w.key, id, time.Now(), body)
	}
	return w.http.Do(req)
}

func isTransient(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}

// parseRetryAfter reads a Retry-After header (RFC 9110 10.2.3): seconds or a date.
func parseRetryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(header); err == nil {
		return time.Duration(min(max(seconds, 0), int(maxRetryAfter/time.Second))) * time.Second
	}
	if date, err := http.ParseTime(header); err == nil {
		return min(max(date.Sub(now), 0), maxRetryAfter)
	}
	return 0
}

// retryWait returns the wait after the nth attempt, at least as long as the server
// wants. chance, from 0 to 1, spreads it over the upper half of its range.
func retryWait(n int, wanted time.Duration, chance float64) time.Duration {
	longest := maxWait
	if n < 6 {
		longest = min(firstWait<<(n-1), maxWait)
	}
	return max(wanted, longest/2+time.Duration(chance*float64(longest/2)))
}

// Close closes idle connections.
func (w *Webhook) Close() error {
	w.http.CloseIdleConnections()
	return nil
}

// The headers of a signed message (Standard Webhooks 1.0.0).
const (
	idHeader        = "Webhook-Id"
	timeHeader      = "Webhook-Timestamp"
	signatureHeader = "Webhook-Signature"
)

// secretPrefix marks a secret that is a key in base64.
const secretPrefix = "whsec_"

// signingKey returns the key of a secret: the bytes that whsec_ and base64 stand for,
// or the secret itself.
func signingKey(secret string) ([]byte, error) {
	encoded, isEncoded := strings.CutPrefix(secret, secretPrefix)
	if !isEncoded {
		return []byte(secret), nil
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) == 0 {
		return nil, errors.New("webhook: what follows whsec_ in the secret must be a key in base64")
	}
	return key, nil
}

// signMessage sets the headers of a message that is sent now. The signature is an
// HMAC-SHA256 of the message's ID, the time in seconds since 1970 and the body, with
// dots between them.
func signMessage(h http.Header, key []byte, id string, now time.Time, body []byte) {
	seconds := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + seconds + "."))
	mac.Write(body)

	h.Set(idHeader, id)
	h.Set(timeHeader, seconds)
	h.Set(signatureHeader, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}
