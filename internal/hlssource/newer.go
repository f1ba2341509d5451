package hlssource

import (
	"context"
	"fmt"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/keyframe"
)

// newer returns the keyframe of seg that is wanted, unless the last one came from
// there and Options.IfNewer asks for another.
func (s *Source) newer(ctx context.Context, seg *hls.Segment) (*keyframe.Frame, error) {
	if s.opts.IfNewer && seg.SameAs(s.last) && seg.Tile == s.last.Tile {
		return nil, fmt.Errorf("%w than that of segment %d", keyframe.ErrNotModified, seg.Sequence)
	}
	f, err := s.take(ctx, seg)
	if err == nil {
		s.last = mark(seg)
	}
	return f, err
}

// mark is what sameAs knows s by.
func mark(s *hls.Segment) *hls.Segment {
	return &hls.Segment{Sequence: s.Sequence, URI: s.URI, ByteRange: s.ByteRange, Tile: s.Tile}
}
