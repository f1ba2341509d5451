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
	// defaultRange stands in for a Range.First or Range.Next of 0: about half of what
	// a keyframe of 1080p takes.
	defaultRange = 64 << 10
	// maxShort bounds the answers that are shorter than requested without a reason:
	// otherwise a server could cause a request per byte.
	maxShort = 16
)

// Range is the part of a file that a Resource reads, and how to request it. The zero
// value is the whole file.
type Range struct {
	Offset int64 // of the first byte in the file
	Length int64 // 0 or less: to the file's end (RFC 8216 4.3.2.2, EXT-X-BYTERANGE)
	First  int64 // bytes of the first range; 0 means 64 KiB
	// Next is the bytes of the second range, if the reader goes on; 0 means First. The
	// ranges that follow have a quarter of what was read, if that is more, up to Most;
	// 0 means 1 MiB.
	Next, Most int64
	// Share makes the second range reach to this part of the resource, if its size is
	// known then and that takes no more than Most; 36 is a thirty-sixth, 0 no part.
	Share int64
	// All means that it will be read to its end: it is asked for at once, a whole file
	// without a range. The sizes above are ignored then.
	All bool
}

// Fetched is a request made for a Resource.
type Fetched struct {
	Offset int64 // in the file
	Length int64 // bytes asked for, -1 for all: the server is known to ignore ranges
	Code   int   // status of the answer
	Bytes  int64 // bytes read of it
}

// MarshalText describes the request as Range fields do, and what came of it. Logs show
// it.
func (f Fetched) MarshalText() ([]byte, error) {
	asked := "all"
	if f.Length >= 0 {
		asked = fmt.Sprintf("bytes=%d-%d", f.Offset, f.Offset+f.Length-1)
	}
	return fmt.Appendf(nil, "%s (status %d, %d bytes read)", asked, f.Code, f.Bytes), nil
}

// Resource is a file at a URL, or a byte range of one. Its offsets begin at
// Range.Offset. It keeps the last megabyte that it fetched, and asks for
// nothing that it holds. It is for one goroutine at a time.
//
// A server that ignores ranges, or sends others than it names, is read from the
// front, and reading backwards beyond what is kept begins anew; all of it counts for
// the budget. Resource does not notice if a file changes while it is read.
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
	doubt   error // why ranges are not asked for any more; may be nil
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

// Read implements io.Reader.
func (r *Resource) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := r.holdByte(span{r.pos, r.pos + 1}, true); err != nil {
		return 0, err
	}
	n := r.copyHeld(p, r.pos)
	r.pos += int64(n)
	return n, nil
}

// ReadAt implements io.ReaderAt. It requests only the bytes that are not held, except
// that if off is 0 and nothing was fetched before, it requests the first range. Read's
// position stays.
func (r *Resource) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off > math.MaxInt64/2 {
		return 0, atURL(r.url, fmt.Errorf("%w: impossible offset %d", keyframe.ErrCorrupt, off))
	}
	return r.readAt(p, r.base+off, false)
}

// Peek returns the first n bytes without moving Read's position. It returns fewer with
// an error, which is io.EOF for a shorter resource. Peek is for recognising content: n
// is some kilobytes at most.
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
		if err := r.holdByte(span{at, to}, sequential); err != nil {
			return done, err
		}
		done += r.copyHeld(p[done:], at)
	}
	return done, nil
}

// copyHeld copies the held bytes at off.
func (r *Resource) copyHeld(p []byte, off int64) int {
	held := r.held.bytesAt(off)
	if end := r.fileEnd(); end >= 0 {
		held = held[:min(int64(len(held)), end-off)]
	}
	return copy(p, held)
}

// Size returns the number of bytes. It is -1 while unknown: before the first read, and
// if the server does not send it.
func (r *Resource) Size() int64 {
	if r.fileEnd() < 0 {
		return -1
	}
	return max(0, r.fileEnd()-r.base)
}

// fileEnd is where the resource ends in the file, -1 unknown.
func (r *Resource) fileEnd() int64 {
	if r.limit >= 0 && r.total >= 0 {
		return min(r.limit, r.total)
	}
	return max(r.limit, r.total)
}

// URL returns where the resource is, after redirects. It may hold credentials.
func (r *Resource) URL() *url.URL { return r.url }

// Ranges returns the requests that were made, in their order.
func (r *Resource) Ranges() []Fetched { return r.fetched }

// Close ends the reading. It keeps the connection if little of an answer is still to
// come. It always returns nil.
func (r *Resource) Close() error {
	r.leaveBody()
	r.err = errClosed
	return nil
}

var errClosed = errors.New("fetch: resource closed")

// holdByte reads until the first byte of need is held.
func (r *Resource) holdByte(need span, sequential bool) error {
	for r.held.bytesAt(need.from) == nil || r.err != nil {
		if err := r.approachByte(need, sequential); err != nil {
			return err
		}
	}
	if end := r.fileEnd(); end >= 0 && need.from >= end {
		return io.EOF
	}
	return nil
}

// approachByte does one step towards the first byte of need, which is not held.
func (r *Resource) approachByte(need span, sequential bool) error {
	if r.err != nil {
		return r.err
	}
	if end := r.fileEnd(); end >= 0 && need.from >= end {
		r.leaveBody()
		return io.EOF
	}

	if r.ctx.Err() != nil {
		return transferError(r.ctx, r.url, nil)
	}
	if r.body != nil && !r.body.leadsTo(need.from) {
		r.leaveBody()
	}
	if r.body == nil {
		return r.requestRange(need, sequential)
	}

	// The bytes in between are read and discarded, unless they exceed the budget.
	if need.from-r.body.at >= r.c.budget.bytesLeft() {
		return transferError(r.ctx, r.url, r.c.budget.spentError())
	}

	return r.readChunk()
}

// requestRange requests the range that the planner returns.
func (r *Resource) requestRange(need span, sequential bool) error {
	left := r.c.budget.bytesLeft()
	if left <= 0 || (r.whole && need.from >= left) {
		return transferError(r.ctx, r.url, r.c.budget.spentError())
	}
	want := r.planner.planRange(plan{
		need: need, sequential: sequential, held: r.held.heldSpans(),
		got: r.got, end: r.fileEnd(), left: left,
	})

	resp, err := r.c.sendRequest(r.ctx, r.url, r.rangeHeaders(want))
	if err != nil {
		return err
	}

	r.url = resp.url
	asked := Fetched{Offset: want.from, Length: want.length(), Code: resp.StatusCode}
	if r.whole {
		asked.Offset, asked.Length = 0, -1
	}

	r.fetched = append(r.fetched, asked)
	r.body, err = r.acceptAnswer(resp, want)
	if r.body == nil {
		resp.discardBody()
	}
	return err
}

// readChunk reads once from the body into the window.
func (r *Resource) readChunk() error {
	b := r.body
	room := int64(chunkSize)
	if b.end >= 0 {
		room = b.end - b.at
	}
	if end := r.fileEnd(); end > b.at {
		room = min(room, end-b.at)
	}

	p := r.held.makeRoom(b.at, room)
	n, err := b.read(p[:min(int64(len(p)), room)])

	r.held.commitBytes(n)
	r.got += int64(n)
	r.fetched[len(r.fetched)-1].Bytes += int64(n)
	if err == io.EOF && b.end < 0 {
		r.total = b.at
	}
	if err != nil || b.at == b.end {
		r.body = nil
		if b.finishReading(err) {
			r.doubtRanges(r.url, "the server sent more than the range that it named")
		}
	}
	if err != nil && err != io.EOF {
		return transferError(r.ctx, r.url, err)
	}
	return nil
}

// leaveBody ends the body being read. If little of it is still to come, and comes soon,
// leaveBody reads it so that the connection can be kept.
func (r *Resource) leaveBody() {
	b := r.body
	if b == nil {
		return
	}
	if b.isDrainable() && r.ctx.Err() == nil {
		defer b.conn.boundReads()()
		for r.body != nil && r.readChunk() == nil {
		}
	}
	r.body = nil
	b.closer.Close()
}
