package fmp4

import (
	"errors"
	"fmt"
	"slices"

	"github.com/kfgrab/kfgrab/keyframe"
)

// maxCandidates bounds the video tracks that are searched one after the other. Camera
// angles and preview tracks come to four.
const maxCandidates = 4

// videoTracks returns the tracks whose pictures can be read, the likeliest first: what a
// player shows by itself, then disabled tracks, then auxiliary pictures (depth, alpha),
// then tracks without samples.
func (in *Init) videoTracks() []*Track {
	var tracks []*Track
	for i := range in.Tracks {
		if t := &in.Tracks[i]; t.Codec != keyframe.UnknownCodec && t.err == nil {
			tracks = append(tracks, t)
		}
	}
	slices.SortStableFunc(tracks, func(a, b *Track) int { return a.rank() - b.rank() })
	return tracks[:min(len(tracks), maxCandidates)]
}

// rank is lower for tracks that are more likely to be the one to show.
func (t *Track) rank() int {
	switch {
	case t.empty:
		return 3
	case t.Handler != "vide":
		return 2
	case t.disabled:
		return 1
	}
	return 0
}

// Video returns the first track with H.264 or H.265 pictures that can be shown.
// Otherwise the error says what is there instead: it wraps keyframe.ErrUnsupported for
// video of another codec and for colours that need a decoder of Dolby Vision,
// keyframe.ErrNotFound if there is no video, and keyframe.ErrCorrupt if the video track
// cannot be read.
func (in *Init) Video() (*Track, error) {
	if tracks := in.videoTracks(); len(tracks) > 0 {
		return tracks[0], nil
	}
	return nil, in.noVideoError()
}

// noVideoError says why there is no track that can be read.
func (in *Init) noVideoError() error {
	var refused, damaged error
	audio := false
	for i := range in.Tracks {
		t := &in.Tracks[i]
		switch {
		case errors.Is(t.err, keyframe.ErrUnsupported):
			if refused == nil {
				refused = t.err
			}
		case t.Handler == "soun":
			audio = true
		case t.Handler != "vide":
		case t.err != nil:
			damaged = t.err
		case refused == nil:
			refused = t.codecError()
		}
	}

	switch {
	case refused != nil:
		return refused
	case damaged != nil:
		return damaged
	case audio:
		return fmt.Errorf("%w: audio only", keyframe.ErrNotFound)
	}
	return fmt.Errorf("%w: no video track", keyframe.ErrNotFound)
}

// codecError names a codec that is not read.
func (t *Track) codecError() error {
	if t.codecName == "unknown" {
		return fmt.Errorf("%w: video codec %s", keyframe.ErrUnsupported, quoteCode(t.SampleEntry))
	}
	return fmt.Errorf("%w: video codec %s (%s)", keyframe.ErrUnsupported, t.codecName, quoteCode(t.SampleEntry))
}

// tryTracks calls read for one video track after the other until one has what is wanted.
// The next track is tried if one has no samples, or none that can be shown. If all fail,
// the error is that of the first.
func (m *Movie) tryTracks(read func() error) error {
	var first error
	for {
		err := read()
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
		if m.found || !m.hasNextTrack() || !(errors.Is(err, keyframe.ErrNotFound) || errors.Is(err, keyframe.ErrUnsupported)) {
			return first
		}
		m.startNextTrack()
	}
}

// hasNextTrack reports whether another video track can be tried.
func (m *Movie) hasNextTrack() bool {
	return m.init != nil && m.candidate+1 < len(m.init.videoTracks())
}

// startNextTrack begins anew with the next video track.
func (m *Movie) startNextTrack() {
	m.candidate++
	m.rewind()
}

// openTrack chooses the video track.
func (m *Movie) openTrack() error {
	tracks := m.init.videoTracks()
	if len(tracks) == 0 {
		return m.init.noVideoError()
	}

	t := tracks[min(m.candidate, len(tracks)-1)]
	m.track = t
	if m.asm != nil && m.asm.Codec() != t.Codec {
		m.asm = nil
	}
	m.expected = -1 // the numbers of samples begin anew
	return nil
}
