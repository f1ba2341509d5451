package hls

import (
	"bytes"
	"fmt"

	"github.com/grafov/m3u8"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Only this file uses the library, and only for pairs of tag and URI. The library
// reads byte ranges without offset wrongly, and keys, maps and target durations only
// in part. It panics on some EXT-X-KEY, EXT-X-MAP and Widevine tags, and takes more
// than linear time for EXT-X-MEDIA.

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
	// The capacity is exact, so that the library's slice never grows. It is never 0,
	// because the library would divide by it.
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
