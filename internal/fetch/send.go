package fetch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"

	"github.com/kfgrab/kfgrab/internal/digest"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/redact"
	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	// maxRedirects is more than CDNs need: one to the edge, one for a token.
	maxRedirects = 5
	// maxErrorBody is how much of an unwanted body is read, to keep the connection if
	// that is all of it.
	maxErrorBody = 512
)

// response is an answer that is not a redirect.
type response struct {
	*http.Response
	url      *url.URL // after redirects
	conn     *conn    // of HTTP/1; nil with HTTP/2, where a body can end alone
	kept     bool     // the connection had served another request before
	sentAuth string   // the request's Authorization field
	login    *digest.Client
}

// sendRequest asks for u with the headers in own, following redirects. The caller
// closes the body.
func (c *Client) sendRequest(ctx context.Context, u *url.URL, own http.Header) (*response, error) {
	seen := map[string]bool{}
	for range maxRedirects + 1 {
		resp, err := c.sendAndLogIn(ctx, u, own)
		if err != nil {
			return nil, err
		}

		next, err := redirectTarget(resp)
		if err != nil {
			resp.discardBody()
			return nil, err
		}
		if next == nil {
			return resp, nil
		}

		resp.discardBody()
		seen[u.String()] = true
		if seen[next.String()] && len(resp.Cookies()) == 0 {
			return nil, protocolError(u, "the server redirects in a loop")
		}
		u = next
	}

	return nil, protocolError(u, "more than %d redirects", maxRedirects)
}

// sendOrResend sends a request, and once more on a new connection if one that was kept
// breaks before the body's first byte: the server had closed it after a restart or a
// timeout. net/http does so only if there was no answer at all, and not always then.
func (c *Client) sendOrResend(ctx context.Context, u *url.URL, own http.Header) (*response, error) {
	resp, err := c.roundTrip(ctx, u, own)
	if err == nil && resp.kept {
		err = resp.readFirstByte(ctx)
	}
	if err == nil || resp == nil || !resp.kept || ctx.Err() != nil {
		return resp, err
	}
	c.log.DebugContext(ctx, "the connection was lost, asking again", "url", redact.URL(u.String()))
	c.transport.closeIdle() // as old as the one that broke
	return c.roundTrip(ctx, u, own)
}

// readFirstByte reads the first byte of a body that is wanted, and puts it back.
func (r *response) readFirstByte(ctx context.Context) error {
	if r.StatusCode/100 != 2 {
		return nil
	}

	first := make([]byte, 1)
	switch _, err := io.ReadFull(r.Body, first); {
	case err == io.EOF:
		return nil
	case err != nil:
		r.Body.Close()
		return transferError(ctx, r.url, err)
	}

	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(first), r.Body), r.Body}
	return nil
}

// roundTrip sends a request once. Once there is a connection, it returns a response
// even with an error, to name the connection.
func (c *Client) roundTrip(ctx context.Context, u *url.URL, own http.Header) (*response, error) {
	if err := checkURL(u); err != nil {
		return nil, err
	}

	resp := &response{url: u}
	connected := false
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		resp.conn, resp.kept = connOf(info.Conn), info.Reused
		connected = true
	}}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodGet, "", nil)
	if err != nil {
		return nil, transferError(ctx, u, err)
	}

	req.URL = u
	resp.login = c.setHeaders(req, own)
	resp.sentAuth = req.Header.Get("Authorization")
	c.meter.AddRequest()
	resp.Response, err = c.transport.RoundTrip(req)
	if err != nil && !connected {
		err = c.transport.nameProxy(req, err)
	}
	if err != nil {
		return resp, transferError(ctx, u, err)
	}
	if resp.ProtoMajor != 1 {
		resp.conn = nil
	}
	c.jar.SetCookies(u, resp.Cookies())
	c.log.DebugContext(ctx, "request", "url", redact.URL(u.String()), "range", req.Header.Get("Range"),
		"status", resp.StatusCode, "length", resp.ContentLength, "protocol", resp.Proto)
	return resp, nil
}

// checkURL refuses URLs other than HTTP's.
func checkURL(u *url.URL) error {
	switch {
	case !strings.EqualFold(u.Scheme, "http") && !strings.EqualFold(u.Scheme, "https"):
		return atURL(u, fmt.Errorf("%w: neither http nor https", keyframe.ErrUnsupported))
	case u.Hostname() == "":
		return atURL(u, fmt.Errorf("%w: no host in the URL", keyframe.ErrUnsupported))
	}
	return nil
}

// redirectTarget returns where an answer leads, nil if it is final.
func redirectTarget(resp *response) (*url.URL, error) {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil
	}

	location := resp.Header.Get("Location")
	if location == "" {
		return nil, resp.statusError()
	}
	to, err := resp.url.Parse(location)
	if err != nil {
		return nil, protocolError(resp.url, "the server redirects to a malformed address")
	}
	to.Fragment, to.RawFragment = "", ""
	return to, nil
}

// discardBody ends an answer whose body is not wanted.
func (r *response) discardBody() {
	if r.conn != nil && r.ContentLength <= maxErrorBody {
		defer r.conn.boundReads()()
		io.CopyN(io.Discard, r.Body, maxErrorBody+1)
	}
	r.Body.Close()
}

func (r *response) statusError() error {
	fields := r.Header["Www-Authenticate"]
	challenge, _, _ := strings.Cut(strings.Join(fields, ", "), " ")
	if strings.EqualFold(challenge, "Digest") && !digest.CanAnswer(fields) {
		challenge = unknownDigest
	}
	return &StatusError{
		Code: r.StatusCode, URL: redact.URL(r.url.String()),
		SentAuth: r.sentAuth != "", Challenge: neterror.Line(challenge),
	}
}
