package hls

import (
	"context"
	"fmt"

	"github.com/kfgrab/kfgrab/keyframe"
)

// newer returns the keyframe of seg that is wanted, unless the last one came from
// there and Options.IfNewer asks for another.
func (s *Source) newer(ctx context.Context, seg *Segment) (*keyframe.Frame, error) {
	if s.opts.IfNewer && seg.sameAs(s.last) && seg.tile == s.last.tile {
		return nil, fmt.Errorf("%w than that of segment %d", keyframe.ErrNotModified, seg.Sequence)
	}
	f, err := s.take(ctx, seg)
	if err == nil {
		s.last = seg.mark()
	}
	return f, err
}

// mark is what sameAs knows s by.
func (s *Segment) mark() *Segment {
	return &Segment{Sequence: s.Sequence, URI: s.URI, ByteRange: s.ByteRange, tile: s.tile}
}

// sameAs says whether two segments, parts or I-frames are the same bytes at the
// same place of the stream. o may be nil.
func (s *Segment) sameAs(o *Segment) bool {
	return o != nil && s.Sequence == o.Sequence && s.URI.Text == o.URI.Text && equalRange(s.ByteRange, o.ByteRange)
}
