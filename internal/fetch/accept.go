package fetch

import (
	"net/http"
	"strconv"
	"strings"
)

// rangeHeaders returns the headers of a request for want. They refuse compression:
// media gains nothing by it, and ranges would count compressed bytes.
func (r *Resource) rangeHeaders(want span) http.Header {
	h := http.Header{"Accept-Encoding": {"identity"}}
	if !r.whole {
		h["Range"] = []string{"bytes=" + strconv.FormatInt(want.from, 10) + "-" + strconv.FormatInt(want.to-1, 10)}
	}
	return h
}

// acceptAnswer makes a body of the answer to a request for want. If it returns
// neither body nor error, the resource has learnt something and can ask again.
func (r *Resource) acceptAnswer(resp *response, want span) (*body, error) {
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

// acceptPart reads a 206 (RFC 9110 15.3.7).
func (r *Resource) acceptPart(resp *response, want span) (*body, error) {
	if r.whole {
		return nil, protocolError(resp.url, "the server sent a part, asked for the whole")
	}
	if isCompressed(resp.Header) {
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
			return nil, protocolError(resp.url, "the server keeps sending less than asked for")
		}
	}

	b := newBody(resp, r.c.budget, has.span)
	b.overlong = has.from < want.from || has.to > want.to
	return b, nil
}

// acceptWhole reads the answer of a server that ignores Range.
func (r *Resource) acceptWhole(resp *response) (*body, error) {
	r.whole = true
	r.total = resp.ContentLength
	b := newBody(resp, r.c.budget, span{0, resp.ContentLength})
	b.overlong = !r.all
	if !isCompressed(resp.Header) {
		return b, nil
	}

	decoded, err := decodeBody(resp.Header, b.r)
	if err != nil {
		return nil, transferError(r.ctx, resp.url, err)
	}

	// The decompressed bytes count as well: a small body can grow large.
	b.r, b.end, b.conn, r.total = &budgetReader{decoded, r.c.budget}, -1, nil, -1
	return b, nil
}

// acceptEnd reads a 416 (RFC 9110 15.5.17). If the file's length was unknown, this
// answer shows it; but a byte range that a playlist promised cannot be empty.
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
