package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Document is a small resource, whole.
type Document struct {
	// URL is where it came from after redirects, to resolve its references
	// against. It may hold credentials.
	URL    *url.URL
	Header http.Header // of the final answer
	Body   []byte      // decoded
}

// Get returns the whole resource at u, compressed on the way where the server
// likes to. More than limit bytes after decompression are ErrTooLarge; limit 0
// stands for the job's budget.
func (c *Client) Get(ctx context.Context, u *url.URL, limit int64) (*Document, error) {
	resp, err := c.send(ctx, u, http.Header{"Accept-Encoding": {"gzip"}})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 || resp.StatusCode == http.StatusPartialContent {
		resp.discard()
		return nil, resp.statusError()
	}
	if limit <= 0 {
		limit = c.budget.max
	}
	body, err := c.readAll(resp, limit)
	if err != nil {
		return nil, fail(ctx, resp.url, err)
	}
	return &Document{URL: resp.url, Header: resp.Header, Body: body}, nil
}

// readAll reads a body to its end, which frees the connection for the next
// request.
func (c *Client) readAll(resp *response, limit int64) ([]byte, error) {
	tooLarge := fmt.Errorf("%w: over %d bytes", ErrTooLarge, limit)
	if resp.ContentLength > limit {
		return nil, tooLarge
	}
	if resp.ContentLength == 0 {
		return nil, nil // some servers call even nothing compressed
	}
	decoded, err := decode(resp.Header, &budgetReader{resp.Body, c.budget})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if n, err := b.ReadFrom(io.LimitReader(decoded, limit+1)); err != nil {
		return nil, err
	} else if n > limit {
		return nil, tooLarge
	}
	return b.Bytes(), nil
}

// compressed says whether offsets in the body are not those in the resource.
func compressed(h http.Header) bool {
	coding := h.Get("Content-Encoding")
	return coding != "" && !strings.EqualFold(coding, "identity")
}

// decode undoes Content-Encoding (RFC 9110 8.4).
func decode(h http.Header, body io.Reader) (io.Reader, error) {
	switch coding := strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding"))); coding {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip":
		return gzip.NewReader(body)
	default:
		return nil, fmt.Errorf("%w: content encoding %q, which was not asked for", keyframe.ErrUnsupported, line(coding))
	}
}
