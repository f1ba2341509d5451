package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"

	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	// defaultRange serves where Range.First or Range.Next is 0: about half of
	// what a keyframe of 1080p takes.
	defaultRange = 64 << 10
	// maxShort bounds the answers that are shorter than what was asked, for no
	// reason: a server could else make a request of every byte.
	maxShort = 16
)

// Range says which part of a file a Resource is, and how to ask for it. The
// zero value is all of it.
type Range struct {
	Offset int64 // of the first byte in the file
	Length int64 // 0 or less: to the file's end (RFC 8216 4.3.2.2, EXT-X-BYTERANGE)
	First  int64 // bytes of the first range; 0 means 64 KiB
	// Next is the bytes of the second range, as one reads on; 0 means First. Those
	// that follow have a quarter of what was read, where that is more, up to Most;
	// 0 means 1 MiB.
	Next, Most int64
	// Share has the second range reach to this part of the resource, where its size
	// is known then and that takes no more than Most; 0 means no part of it. 36 is a
	// thirty-sixth.
	Share int64
	// All says that it will be read to its end: it is asked for at once, a whole file
	// without a range. The sizes above have no meaning then.
	All bool
}

// Fetched is a request made for a Resource.
type Fetched struct {
	Offset int64 // in the file
	Length int64 // bytes asked for, -1 for all: the server is known to ignore ranges
	Code   int   // status of the answer
	Bytes  int64 // bytes read of it
}

// Resource is a file at a URL, or a byte range of one. Its offsets begin at
// Range.Offset. It keeps the last megabyte that it fetched, and asks for
// nothing that it holds. It is for one goroutine at a time.
//
// A server that ignores ranges is read from the front, and reading backwards
// beyond what is kept begins anew; it all counts for the budget. A file that
// changes while it is read is not noticed here.
type Resource struct {
	c     *Client
	ctx   context.Context // of the whole reading, as in http.Request
	url   *url.URL        // after redirects: later ranges go straight there
	base  int64           // Range.Offset
	limit int64           // end of the Range in the file, -1 none
	total int64           // size of the file, -1 unknown

	planner planner
	held    window
	got     int64
	body    *body // nil between requests
	whole   bool  // the server ignores ranges, or is not asked for any
	all     bool  // Range.All
	pos     int64 // of Read, in the file
	shorts  int
	fetched []Fetched
	err     error // of Open and Close
}

// Open returns the part rng of the file at u. The first request is made by the
// first read. ctx is for all reads.
func (c *Client) Open(ctx context.Context, u *url.URL, rng Range) *Resource {
	r := &Resource{c: c, ctx: ctx, url: u, base: rng.Offset, limit: -1, total: -1, pos: rng.Offset}
	if rng.Length > 0 {
		r.limit = rng.Offset + rng.Length
	}
	if rng.Offset < 0 || rng.Length > math.MaxInt64/2 || rng.Offset > math.MaxInt64/2 {
		r.err = atURL(u, fmt.Errorf("%w: impossible byte range %d@%d", keyframe.ErrCorrupt, rng.Length, rng.Offset))
	}
	r.planner = planner{base: rng.Offset, first: rng.First, next: rng.Next, most: rng.Most, share: rng.Share}
	if rng.All {
		r.all, r.whole = true, rng.Offset == 0 && rng.Length <= 0
		r.planner.first = math.MaxInt64 / 2
	}
	if r.planner.first <= 0 {
		r.planner.first = defaultRange
	}
	if r.planner.next <= 0 {
		r.planner.next = r.planner.first
	}
	if r.planner.most <= 0 {
		r.planner.most = maxGrowth
	}
	return r
}

// Read reads on, io.EOF at the end.
func (r *Resource) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := r.reach(span{r.pos, r.pos + 1}, true); err != nil {
		return 0, err
	}
	n := r.copy(p, r.pos)
	r.pos += int64(n)
	return n, nil
}

// ReadAt reads len(p) bytes at off, and asks for just those of them that are
// not held; but where off is 0 and nothing was fetched before, for the first
// range. Fewer bytes come with an error, at the end with io.EOF. Read's
// position stays.
func (r *Resource) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off > math.MaxInt64/2 {
		return 0, atURL(r.url, fmt.Errorf("%w: impossible offset %d", keyframe.ErrCorrupt, off))
	}
	return r.readAt(p, r.base+off, false)
}

// Peek returns the first n bytes without moving Read's position. There are
// fewer with an error; at the end of a shorter resource, with io.EOF. n is for
// recognising content: some kilobytes.
func (r *Resource) Peek(n int) ([]byte, error) {
	p := make([]byte, n)
	got, err := r.readAt(p, r.base, true)
	return p[:got], err
}

func (r *Resource) readAt(p []byte, from int64, sequential bool) (int, error) {
	to := from + int64(len(p))
	done := 0
	for done < len(p) {
		at := from + int64(done)
		if err := r.reach(span{at, to}, sequential); err != nil {
			return done, err
		}
		done += r.copy(p[done:], at)
	}
	return done, nil
}

// copy copies what is held at off.
func (r *Resource) copy(p []byte, off int64) int {
	held := r.held.at(off)
	if end := r.end(); end >= 0 {
		held = held[:min(int64(len(held)), end-off)]
	}
	return copy(p, held)
}

// Size returns the number of bytes, -1 while it is unknown: before the first
// read, and where the server does not tell.
func (r *Resource) Size() int64 {
	if r.end() < 0 {
		return -1
	}
	return max(0, r.end()-r.base)
}

// end is where the resource ends in the file, -1 unknown.
func (r *Resource) end() int64 {
	if r.limit >= 0 && r.total >= 0 {
		return min(r.limit, r.total)
	}
	return max(r.limit, r.total)
}

// URL returns where the resource is, after redirects. It may hold credentials.
func (r *Resource) URL() *url.URL { return r.url }

// Ranges returns the requests that were made, in their order.
func (r *Resource) Ranges() []Fetched { return r.fetched }

// Close ends the reading. The connection is kept where the rest of an answer is
// as good as here. It always returns nil.
func (r *Resource) Close() error {
	r.leave()
	r.err = errClosed
	return nil
}

var errClosed = errors.New("fetch: resource closed")

// reach makes the first byte of need held.
func (r *Resource) reach(need span, sequential bool) error {
	for r.held.at(need.from) == nil || r.err != nil {
		if err := r.step(need, sequential); err != nil {
			return err
		}
	}
	if end := r.end(); end >= 0 && need.from >= end {
		return io.EOF
	}
	return nil
}

// step gets nearer to the first byte of need, which is not held.
func (r *Resource) step(need span, sequential bool) error {
	if r.err != nil {
		return r.err
	}
	if end := r.end(); end >= 0 && need.from >= end {
		r.leave()
		return io.EOF
	}
	if r.ctx.Err() != nil {
		return fail(r.ctx, r.url, nil)
	}
	if r.body != nil && !r.body.leadsTo(need.from) {
		r.leave()
	}
	if r.body == nil {
		return r.request(need, sequential)
	}
	// What lies between is read and thrown away: not where it is too much.
	if need.from-r.body.at >= r.c.budget.left() {
		return fail(r.ctx, r.url, r.c.budget.spent())
	}
	return r.pump()
}

// request asks for what the planner says.
func (r *Resource) request(need span, sequential bool) error {
	left := r.c.budget.left()
	if left <= 0 || r.whole && need.from >= left {
		return fail(r.ctx, r.url, r.c.budget.spent())
	}
	want := r.planner.request(plan{
		need: need, sequential: sequential, held: r.held.spans(),
		got: r.got, end: r.end(), left: left,
	})
	resp, err := r.c.send(r.ctx, r.url, r.headers(want))
	if err != nil {
		return err
	}
	r.url = resp.url
	asked := Fetched{Offset: want.from, Length: want.length(), Code: resp.StatusCode}
	if r.whole {
		asked.Offset, asked.Length = 0, -1
	}
	r.fetched = append(r.fetched, asked)
	r.body, err = r.accept(resp, want)
	if r.body == nil {
		resp.discard()
	}
	return err
}

// pump reads once from the body into the window.
func (r *Resource) pump() error {
	b := r.body
	room := int64(chunkSize)
	if b.end >= 0 {
		room = b.end - b.at
	}
	if end := r.end(); end > b.at {
		room = min(room, end-b.at)
	}
	p := r.held.space(b.at, room)
	n, err := b.read(p[:min(int64(len(p)), room)])
	r.held.commit(n)
	r.got += int64(n)
	r.fetched[len(r.fetched)-1].Bytes += int64(n)
	if err == io.EOF && b.end < 0 {
		r.total = b.at
	}
	if err != nil || b.at == b.end {
		r.body = nil
		b.finish(err)
	}
	if err != nil && err != io.EOF {
		return fail(r.ctx, r.url, err)
	}
	return nil
}

// leave ends the body being read. Where little of it is to come, that is read
// for the connection's sake, if it is here soon.
func (r *Resource) leave() {
	b := r.body
	if b == nil {
		return
	}
	if b.drainable() && r.ctx.Err() == nil {
		defer b.conn.patience()()
		for r.body != nil && r.pump() == nil {
		}
	}
	r.body = nil
	b.closer.Close()
}
