package hlssource

import (
	"context"
	"io"
	"time"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

// segmentReader finds the keyframes of a segment, whatever its container. Times
// count from the segment's beginning.
type segmentReader interface {
	Keyframe() (*keyframe.Frame, error) // or every picture: reach.whole
	Tracks() []keyframe.Track
	Start() time.Duration // first presentation time, or keyframe.NoPTS

	// readUpTo returns the last keyframe at or before until, or if there is none, the
	// first one.
	readUpTo(until time.Duration) (*keyframe.Frame, error)
	readLast() (*keyframe.Frame, error)

	// readIndexed returns the keyframe that the index lists next. It is nil without
	// an error if there is no index.
	readIndexed() (*keyframe.Frame, error)
	// readUnindexed is readIndexed for a container that shows its keyframes only as
	// it is read.
	readUnindexed() (*keyframe.Frame, error)

	// readAt gives found the last keyframe at or before each of the times, which
	// ascend. r is the reading that the segmentReader belongs to.
	readAt(ctx context.Context, times []time.Duration, r *reading, found func(moment))

	// bytesUsed returns how many bytes it took to read f, the first keyframe.
	bytesUsed(f *keyframe.Frame) int
}

// moment is a keyframe for the times from one index up to another.
type moment struct {
	from, to int
	frame    *keyframe.Frame
	at       time.Duration
	err      error
}

// forever is longer than any segment.
const forever = 100_000 * time.Second

// content is the data of a segment, to be read on from the front, or anywhere.
type content interface {
	io.Reader
	sizedReaderAt
	Peek(n int) ([]byte, error) // the first n bytes, as fetch.Resource.Peek
}

// counted counts what is read from the front.
type counted struct {
	content
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.content.Read(p)
	c.n += n
	return n, err
}

// mp4Segment is a segment of fMP4.
type mp4Segment struct {
	*fmp4.Movie
	data *counted
}

// newMP4Segment goes on from the segment before, if to.after read that.
func newMP4Segment(to reach, data *counted, init *fmp4.Init, lock protection) *mp4Segment {
	m, goesOn := to.after.(*mp4Segment)
	switch {
	case goesOn:
		m.Continue(data, data.Size(), init)
		m.data = data
	case to.whole:
		m = &mp4Segment{fmp4.NewPictures(data, data.Size(), init), data}
	default:
		m = &mp4Segment{fmp4.NewMovie(data, data.Size(), init), data}
	}
	if lock.method == methodSamples || lock.method == methodCTR {
		m.SetKey(lock.key)
	}
	return m
}

func (m *mp4Segment) readUpTo(until time.Duration) (*keyframe.Frame, error) {
	return m.KeyframeAt(until)
}

func (m *mp4Segment) readLast() (*keyframe.Frame, error) { return m.KeyframeAt(forever) }

func (m *mp4Segment) readIndexed() (*keyframe.Frame, error) { return m.Next() }

func (m *mp4Segment) readUnindexed() (*keyframe.Frame, error) { return nil, nil }

func (m *mp4Segment) bytesUsed(f *keyframe.Frame) int { return len(f.Data) }

// readAt reads what the index points to.
func (m *mp4Segment) readAt(_ context.Context, times []time.Duration, r *reading, found func(moment)) {
	for i := 0; i < len(times); {
		spot, err := m.Locate(times[i])
		if err != nil {
			found(moment{from: i, to: len(times), err: err})
			return
		}
		same := i + 1
		for same < len(times) {
			next, err := m.Locate(times[same])
			if err != nil || !next.Same(spot) {
				break
			}
			same++
		}

		f, err := spot.Keyframe(m.data)
		if err == nil {
			r.date(f)
		}
		found(moment{i, same, f, spot.At, err})
		i = same
	}
}

// tsSegment is a segment of a transport stream.
type tsSegment struct {
	*ts.Reader
	data    *counted
	options *ts.Options
}

// newTSSegment goes on from the segment before, if after read that. With encrypted
// samples, each segment has a key of its own.
func newTSSegment(after segmentReader, data *counted, packets io.Reader, o *ts.Options) *tsSegment {
	if t, goesOn := after.(*tsSegment); goesOn && o.SampleAES == nil {
		t.Continue(packets)
		t.data = data
		return t
	}
	return &tsSegment{ts.NewReader(packets, o), data, o}
}

func (t *tsSegment) readUpTo(until time.Duration) (*keyframe.Frame, error) {
	return t.KeyframeAt(keyframe.NoPTS, until)
}

// readLast searches from the end, if the size is known.
func (t *tsSegment) readLast() (*keyframe.Frame, error) {
	if size := t.data.Size(); size > 0 {
		return ts.LastKeyframe(t.data, size, t.options)
	}
	return t.readUpTo(forever)
}

func (t *tsSegment) readIndexed() (*keyframe.Frame, error) { return nil, nil }

func (t *tsSegment) readUnindexed() (*keyframe.Frame, error) { return t.Keyframe() }

// bytesUsed counts all bytes up to the beginning of the next picture.
func (t *tsSegment) bytesUsed(*keyframe.Frame) int { return t.data.n - t.Buffered() }

// readAt reads from the beginning up to the last of the times.
func (t *tsSegment) readAt(ctx context.Context, times []time.Duration, r *reading, found func(moment)) {
	f, err := r.readFirst()
	var at time.Duration
	if err == nil {
		at = r.offset(f)
	}

	from := 0 // of the times that f is for
	for i := 0; err == nil && i < len(times); i++ {
		until := times[i] + timeSlack
		if at > until {
			continue
		}
		var next *keyframe.Frame
		next, err = t.LastKeyframe(keyframe.NoPTS, until)
		if next == nil && (err == nil || mayHelp(ctx, err, earlierSegment)) {
			err = nil // none after f
			continue
		}
		if i > from {
			found(moment{from, i, f, at, nil})
			from = i
		}
		if err == nil {
			r.date(next)
			f, at = next, r.offset(next)
		}
	}
	found(moment{from, len(times), f, at, err})
}
