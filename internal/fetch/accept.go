package fetch

import (
	"net/http"
	"strconv"
	"strings"
)

// headers of a request for want. Compression is refused: media gains nothing
// by it, and ranges would count compressed bytes.
func (r *Resource) headers(want span) http.Header {
	h := http.Header{"Accept-Encoding": {"identity"}}
	if !r.whole {
		h["Range"] = []string{"bytes=" + strconv.FormatInt(want.from, 10) + "-" + strconv.FormatInt(want.to-1, 10)}
	}
	return h
}

// accept makes a body of an answer to a request for want. Without a body and
// without an error, the resource knows better now and can go on.
func (r *Resource) accept(resp *response, want span) (*body, error) {
	switch {
	case resp.StatusCode == http.StatusPartialContent:
		return r.acceptPart(resp, want)
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		return nil, r.acceptEnd(resp, want)
	case resp.StatusCode/100 == 2:
		return r.acceptWhole(resp)
	}
	return nil, resp.statusError()
}

// acceptPart takes a 206 (RFC 9110 15.3.7).
func (r *Resource) acceptPart(resp *response, want span) (*body, error) {
	if r.whole {
		return nil, protocolError(resp.url, "the server sent a part, asked for the whole")
	}
	if compressed(resp.Header) {
		r.whole = true
		return nil, nil
	}
	if strings.HasPrefix(strings.ToLower(resp.Header.Get("Content-Type")), "multipart/") {
		return nil, protocolError(resp.url, "the server sent several parts, asked for one range")
	}
	has, err := parseContentRange(resp.Header.Get("Content-Range"))
	if err != nil {
		return nil, protocolError(resp.url, "the server sent a part without a proper Content-Range")
	}
	if want.from < has.from || want.from >= has.to {
		return nil, protocolError(resp.url, "the server sent bytes %d-%d, asked for %d-%d",
			has.from, has.to-1, want.from, want.to-1)
	}
	if has.total >= 0 {
		r.total = has.total
	}
	if has.to < want.to && has.to != has.total {
		if r.shorts++; r.shorts > maxShort {
			return nil, protocolError(resp.url, "the server sends less than asked for, again and again")
		}
	}
	b := newBody(resp, r.c.budget, has.span)
	b.overlong = has.from < want.from || has.to > want.to
	return b, nil
}

// acceptWhole takes the answer of a server that ignores Range.
func (r *Resource) acceptWhole(resp *response) (*body, error) {
	r.whole = true
	r.total = resp.ContentLength
	b := newBody(resp, r.c.budget, span{0, resp.ContentLength})
	b.overlong = !r.all
	if !compressed(resp.Header) {
		return b, nil
	}
	decoded, err := decode(resp.Header, b.r)
	if err != nil {
		return nil, fail(r.ctx, resp.url, err)
	}
	// What a small body can swell to counts as well.
	b.r, b.end, b.conn, r.total = &budgetReader{decoded, r.c.budget}, -1, nil, -1
	return b, nil
}

// acceptEnd takes a 416 (RFC 9110 15.5.17). Where nobody said how long the file
// is, this is how one learns; but a byte range that a playlist promised is not
// just empty.
func (r *Resource) acceptEnd(resp *response, want span) error {
	has, err := parseContentRange(resp.Header.Get("Content-Range"))
	switch {
	case r.limit >= 0 && want.from == r.base:
	case err == nil && has.total >= 0 && has.total <= want.from:
		r.total = has.total
		return nil
	case (err != nil || has.total < 0) && want.from > r.base:
		r.total = want.from
		return nil
	}
	return resp.statusError()
}
