package hlssource

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"time"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/imagefile"
	"github.com/kfgrab/kfgrab/internal/sourcekind"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

// opener opens the segments of one rendition. It is for one goroutine at a time;
// fork makes others.
type opener struct {
	client  *fetch.Client
	opts    Options
	variant *hls.Variant // whose segments are read; nil if there is no master playlist, or no choice yet
	knowledge

	tracks []keyframe.Track // of the last segment that listed some
	size   int64            // of the last whole segment; 0 unknown

	fetched int64 // bytes of all segments that were closed
}

// knowledge is carried over from reading one segment to the next.
type knowledge struct {
	section *section          // of the last segment, if it has one
	span    int               // bytes that the last keyframe took
	keys    map[string][]byte // by address
}

// fork returns an opener that reads segments of the same rendition in parallel.
func (o *opener) fork() *opener {
	return &opener{
		client: o.client, opts: o.opts, variant: o.variant,
		knowledge: knowledge{section: o.section, span: o.span, keys: maps.Clone(o.keys)},
	}
}

func (o *opener) log(ctx context.Context, msg string, args ...any) {
	if o.opts.Logger != nil {
		o.opts.Logger.Log(ctx, slog.LevelDebug, msg, args...)
	}
}

// reach is how much of a segment will be read. The zero value is as much as it takes
// to its first keyframe.
type reach struct {
	upTo  time.Duration // at least up to there
	whole bool          // every picture, to the end
	after segmentReader // that read the segment before, and reads on; may be nil
}

// reading is a segment that is being read.
type reading struct {
	segmentReader
	segment  *hls.Segment
	opener   *opener
	resource *fetch.Resource
	ctx      context.Context // for the log
}

// open begins to read seg.
func (o *opener) open(ctx context.Context, seg *hls.Segment, to reach) (*reading, error) {
	return withFreshKeys(ctx, o, func() (*reading, error) { return o.openWithKeys(ctx, seg, to) })
}

func (o *opener) openWithKeys(ctx context.Context, seg *hls.Segment, to reach) (*reading, error) {
	lock, err := o.protectionOf(ctx, seg.Keys, seg.Sequence)
	if err != nil {
		return nil, err
	}
	u, err := seg.URI.Resolve()
	if err != nil {
		return nil, err
	}
	before, err := o.sectionOf(ctx, seg)
	if err != nil {
		return nil, err
	}

	rng := o.ranges(seg, before, to)
	if b := seg.ByteRange; b != nil {
		rng.Offset, rng.Length = b.Offset, b.Length
	}
	if lock.method == methodWhole {
		rng = lock.wholeBlocks(rng, seg)
	}
	r := o.client.Open(ctx, u, rng)
	data := &counted{content: lock.open(r, seg)}
	reader, err := o.recognise(data, before, lock, to)
	if err != nil {
		r.Close()
		return nil, err
	}
	return &reading{segmentReader: reader, segment: seg, opener: o, resource: r, ctx: ctx}, nil
}

// recognise detects what data holds, after the initialisation section before it.
func (o *opener) recognise(data *counted, before *section, lock protection, to reach) (segmentReader, error) {
	head, err := data.Peek(sniffSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}

	switch {
	case len(head) == 0:
		return nil, fmt.Errorf("%w: the segment is empty", keyframe.ErrCorrupt)
	case fmp4.Sniff(head):
		if err := o.checkKind(sourcekind.LiveMP4 | sourcekind.RecordedMP4); err != nil {
			return nil, err
		}
		return newMP4Segment(to, data, before.movie, lock), nil
	case ts.Sniff(head, err != nil):
		options := &ts.Options{Program: o.opts.Program, OnCodec: o.opts.OnCodec, EveryPicture: to.whole}
		if lock.method == methodSamples {
			options.SampleAES = lock.decryptFrame
		}
		return newTSSegment(to.after, data, before.prepend(data), options), nil
	case isPackedAudio(head):
		return nil, &noVideoError{fmt.Errorf("%w: the rendition is audio only", keyframe.ErrNotFound)}
	case lock.method == methodWhole:
		return nil, errWrongKey
	}
	return nil, &noVideoError{fmt.Errorf("%w: the segment is neither MPEG-TS nor fMP4%s", keyframe.ErrCorrupt, nameOther(head))}
}

// nameOther says what a segment is that begins with head, if that is known.
func nameOther(head []byte) string {
	switch {
	case hls.IsPlaylist(head):
		return ", but another playlist"
	case imagefile.IsJPEG(head):
		return ", but a JPEG or motion JPEG"
	case bytes.HasPrefix(head, []byte("WEBVTT")):
		return ", but subtitles"
	case bytes.HasPrefix(bytes.TrimSpace(head), []byte("<")):
		return ", but HTML or XML"
	}
	return ""
}

// isPackedAudio recognises elementary audio (RFC 8216 3.4): an ID3 tag, or a frame
// of AAC, MP3 or AC-3.
func isPackedAudio(head []byte) bool {
	return len(head) > 3 && (string(head[:3]) == "ID3" ||
		(head[0] == 0xff && head[1]&0xe0 == 0xe0) ||
		(head[0] == 0x0b && head[1] == 0x77))
}

// close ends the reading. The rest of a response may be read, if that is cheaper
// than a new connection.
func (r *reading) close() {
	o := r.opener
	if tracks := r.Tracks(); len(tracks) > 0 {
		o.tracks = tracks
	}
	if !r.segment.IsPart && !r.segment.IsIFrame {
		o.size = max(0, r.resource.Size())
	}
	r.resource.Close()
	for _, fetched := range r.resource.Ranges() {
		o.fetched += fetched.Bytes
		o.log(r.ctx, "range", "fetched", fetched)
	}
}

// readFirst returns the first keyframe of the segment, and remembers its size.
func (r *reading) readFirst() (*keyframe.Frame, error) {
	f, err := r.Keyframe()
	if err != nil {
		return nil, explainTracks(err, r.Tracks())
	}
	r.opener.span = r.bytesUsed(f)
	if r.segment.IsIFrame {
		f.OpenEnd = false // the playlist says where it ends
	}
	r.date(f)
	return f, nil
}

func (r *reading) readUpTo(until time.Duration) (*keyframe.Frame, error) {
	f, err := r.segmentReader.readUpTo(until)
	return f, explainTracks(err, r.Tracks())
}

func (r *reading) readLast() (*keyframe.Frame, error) {
	f, err := r.segmentReader.readLast()
	return f, explainTracks(err, r.Tracks())
}

// date gives f the time of day, if the playlist has it.
func (r *reading) date(f *keyframe.Frame) {
	if begin := r.segment.ProgramDateTime; !begin.IsZero() {
		f.Time = begin.Add(r.offset(f))
	}
}

// offset returns how long after the segment's beginning f is shown; 0 if unknown.
func (r *reading) offset(f *keyframe.Frame) time.Duration {
	if f.PTS == keyframe.NoPTS || r.Start() == keyframe.NoPTS {
		return 0
	}
	return ts.Since(f.PTS, r.Start())
}
