package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/keyframe"
)

// Document is a small resource: all of it, except from GetEnd.
type Document struct {
	// URL is where it came from after redirects, to resolve its references
	// against. It may hold credentials.
	URL    *url.URL
	Header http.Header // of the final answer
	Body   []byte      // decoded

	// Offset is where Body begins in the resource: 0, unless GetEnd fetched its end
	// alone. Body reaches to the end of the resource.
	Offset int64
	// NotModified means that the server had nothing new: the rest is that of the
	// Document that the caller kept.
	NotModified bool
}

// Get returns the whole resource at u. The server may compress it. If it has more than
// limit bytes after decompression, the error wraps ErrTooLarge; limit 0 means the job's
// budget.
func (c *Client) Get(ctx context.Context, u *url.URL, limit int64) (*Document, error) {
	return c.GetNewer(ctx, u, limit, nil)
}

// GetNewer is Get, unless the resource is unchanged since kept was fetched from the
// same u: then only headers cross the network, and GetNewer returns kept with
// NotModified set. kept may be nil, and its Body too.
func (c *Client) GetNewer(ctx context.Context, u *url.URL, limit int64, kept *Document) (*Document, error) {
	return c.getDocument(ctx, u, limit, http.Header{"Accept-Encoding": {"gzip"}}, kept)
}

// GetEnd is GetNewer for the last n bytes of the resource (RFC 9110 14.1.2,
// suffix-range). It returns the whole if that is shorter, or the server knows no
// ranges: see Document.Offset.
func (c *Client) GetEnd(ctx context.Context, u *url.URL, n, limit int64, kept *Document) (*Document, error) {
	own := http.Header{
		"Accept-Encoding": {"identity"}, // ranges count encoded bytes
		"Range":           {"bytes=-" + strconv.FormatInt(n, 10)},
	}
	return c.getDocument(ctx, u, limit, own, kept)
}

func (c *Client) getDocument(ctx context.Context, u *url.URL, limit int64, own http.Header, kept *Document) (*Document, error) {
	conditional := kept.addValidators(own)
	resp, err := c.sendRequest(ctx, u, own)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if conditional && resp.StatusCode == http.StatusNotModified {
		resp.discardBody()
		if resp.url.String() == kept.URL.String() {
			return kept.asNotModified(), nil
		}
		// Redirected elsewhere than before: the validators do not apply to this
		// resource (RFC 9110 8.8).
		own.Del("If-None-Match")
		own.Del("If-Modified-Since")
		return c.getDocument(ctx, u, limit, own, nil)
	}

	has, err := documentPart(resp, own.Get("Range") != "")
	if err != nil {
		resp.discardBody()
		return nil, err
	}
	if limit <= 0 {
		limit = c.budget.max
	}
	body, err := c.readAll(resp, limit)
	if err != nil {
		return nil, transferError(ctx, resp.url, err)
	}
	if has.to > 0 && int64(len(body)) != has.length() {
		return nil, protocolError(resp.url, "the server sent less than it announced")
	}
	return &Document{URL: resp.url, Header: resp.Header, Body: body, Offset: has.from}, nil
}

// documentPart returns the part of the resource that an answer holds; empty for all of
// it. The part must reach to the end.
func documentPart(resp *response, ranged bool) (span, error) {
	switch {
	case resp.StatusCode == http.StatusPartialContent && ranged:
		has, err := parseContentRange(resp.Header.Get("Content-Range"))
		if err != nil || has.length() <= 0 || has.to != has.total || isCompressed(resp.Header) {
			return span{}, protocolError(resp.url, "the server sent another part than the end, which was asked for")
		}
		return has.span, nil
	case resp.StatusCode/100 != 2, resp.StatusCode == http.StatusPartialContent:
		return span{}, resp.statusError()
	}
	return span{}, nil
}

// readAll reads a body to its end, which frees the connection for the next
// request.
func (c *Client) readAll(resp *response, limit int64) ([]byte, error) {
	tooLarge := fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
	if resp.ContentLength > limit {
		return nil, tooLarge
	}
	if resp.ContentLength == 0 {
		return nil, nil // some servers label even an empty body compressed
	}

	decoded, err := decodeBody(resp.Header, &budgetReader{resp.Body, c.budget})
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

// isCompressed reports whether offsets in the body are not those in the resource.
func isCompressed(h http.Header) bool {
	coding := h.Get("Content-Encoding")
	return coding != "" && !strings.EqualFold(coding, "identity")
}

// decodeBody undoes Content-Encoding (RFC 9110 8.4).
func decodeBody(h http.Header, body io.Reader) (io.Reader, error) {
	switch coding := strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding"))); coding {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip":
		return gzip.NewReader(body)
	default:
		return nil, fmt.Errorf("%w: content encoding %q, which was not asked for", keyframe.ErrUnsupported, neterror.Line(coding))
	}
}
