package fetch

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
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

// acceptPart reads a 206 (RFC 9110 15.3.7). If it is not the part that it says it is,
// the resource asks for the whole, of which every byte's place is known.
func (r *Resource) acceptPart(resp *response, want span) (*body, error) {
	if r.whole && r.doubt != nil {
		return nil, r.doubt
	}
	if r.whole {
		return nil, protocolError(resp.url, "the server sent a part, asked for the whole")
	}
	if isCompressed(resp.Header) {
		r.whole = true
		return nil, nil
	}
	if strings.HasPrefix(strings.ToLower(resp.Header.Get("Content-Type")), "multipart/") {
		r.doubtRanges(resp.url, "the server sent several parts, asked for one range")
		return nil, nil
	}

	has, err := parseContentRange(resp.Header.Get("Content-Range"))
	if err != nil {
		r.doubtRanges(resp.url, "the server sent a part without a proper Content-Range")
		return nil, nil
	}
	if want.from < has.from || want.from >= has.to {
		r.doubtRanges(resp.url, "the server sent bytes %d-%d, asked for %d-%d", has.from, has.to-1, want.from, want.to-1)
		return nil, nil
	}
	if resp.ContentLength >= 0 && resp.ContentLength != has.length() {
		return r.acceptMislabelled(resp, has), nil
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
	b.unsized = resp.ContentLength < 0
	if b.unsized && has.from > 0 && has.length() <= maxHeld {
		return r.checkLength(resp, b)
	}
	return b, nil
}

// acceptMislabelled makes a body of a 206 whose length is not that of the range that
// it names. It is the whole file if it has the file's length; or if it names all of
// the file and is longer, from a server that counts characters. The result is nil if
// it is unknown what the body is.
func (r *Resource) acceptMislabelled(resp *response, has contentRange) *body {
	all := has.from == 0 && has.to == has.total && resp.ContentLength > has.total
	if resp.ContentLength != has.total && !all {
		r.doubtRanges(resp.url, "the server sent %d bytes and called them bytes %d-%d", resp.ContentLength, has.from, has.to-1)
		return nil
	}

	r.whole, r.total = true, resp.ContentLength
	b := newBody(resp, r.c.budget, span{0, resp.ContentLength})
	b.overlong = !r.all
	return b
}

// checkLength reads a part of unknown length to its end, before any of it is given
// out: some servers send the whole file and call it the part.
func (r *Resource) checkLength(resp *response, b *body) (*body, error) {
	length := b.end - b.at
	data, err := io.ReadAll(io.LimitReader(b.r, length+1))
	switch {
	case err != nil:
		return nil, transferError(r.ctx, resp.url, err)
	case int64(len(data)) != length:
		r.doubtRanges(resp.url, "the server sent other bytes than %d-%d, as which it labelled them", b.at, b.end-1)
		return nil, nil
	}
	b.r, b.conn = bytes.NewReader(data), nil
	return b, nil
}

// doubtRanges makes the resource ask for the whole from now on. The reason is the
// error if the server does not send that.
func (r *Resource) doubtRanges(u *url.URL, format string, args ...any) {
	r.whole, r.total, r.doubt = true, -1, protocolError(u, format, args...)
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
