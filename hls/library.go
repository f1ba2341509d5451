package hls

import (
	"bytes"
	"fmt"

	"github.com/grafov/m3u8"

	"github.com/kfgrab/kfgrab/keyframe"
)

// This file is all that knows the library. It reads pairs of tag and URI, and
// nothing else: byte ranges without offset it reads wrongly; keys, maps and target
// durations partly; EXT-X-KEY, EXT-X-MAP and Widevine tags with a panic; EXT-X-MEDIA
// in more than linear time.

// variantURIs returns the URIs of the variants.
func (s *scanned) variantURIs() ([]string, error) {
	list := m3u8.NewMasterPlaylist()
	if err := list.Decode(*bytes.NewBuffer(s.pairs), false); err != nil {
		return nil, fmt.Errorf("%w: %w", keyframe.ErrCorrupt, err)
	}
	if len(list.Variants) != s.uris {
		return nil, fmt.Errorf("%w: variants and tags do not match", keyframe.ErrCorrupt)
	}
	uris := make([]string, s.uris)
	for i, v := range list.Variants {
		uris[i] = v.URI
	}
	return uris, nil
}

// segments returns the durations and URIs of the segments.
func (s *scanned) segments() ([]*m3u8.MediaSegment, error) {
	// The capacity is exact: the library's slice never grows, and never is 0, by which
	// it would divide.
	list, err := m3u8.NewMediaPlaylist(0, uint(max(s.uris, 1)))
	if err == nil {
		err = list.Decode(*bytes.NewBuffer(s.pairs), false)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", keyframe.ErrCorrupt, err)
	}
	if list.Count() != uint(s.uris) {
		return nil, fmt.Errorf("%w: segments and tags do not match", keyframe.ErrCorrupt)
	}
	return list.Segments[:list.Count()], nil
}
