package hlssource

import (
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
)

const (
	// The first range of a transport stream segment is the least that a keyframe takes,
	// about as many bytes as a twentieth of a second on average. It lies between
	// minRange, within a connection's first flight, and maxRange, which wastes no more
	// than 64 KiB.
	minRange = 10 << 10
	maxRange = 64 << 10

	// If the size of the last keyframe is known, the first range has that size and a
	// 64th, or minMargin, more. If this keyframe is larger, the next range has an eighth,
	// or minNext: consecutive keyframes mostly differ by less.
	minMargin = 512
	minNext   = 4 << 10

	// Else the next range is half of that, or firstNext: keyframes take from a twentieth
	// of a second to two fifths, so that no step costs more than half of what the
	// keyframe itself does. A range may be wasted except for its beginning, if the access
	// unit ends there; with the audio in between no more than 64 KiB.
	guessesPerSecond = 20
	firstNext        = 4 << 10
	mostRange        = 60 << 10

	// The first range of an fMP4 segment is to hold its moof box, which has the
	// keyframe's own range. For a second of media that takes at most 60 pictures of
	// 16 bytes and 47 frames of audio of 8; the excess belongs to the keyframe, as
	// that comes next.
	indexPerSecond = 60*16 + 47*8
	minIndex       = 4 << 10
	maxIndex       = 16 << 10

	// sniffSize is enough to be sure of a transport stream.
	sniffSize = 2 << 10
)

// ranges returns how to read seg from the front.
func (o *opener) ranges(seg *hls.Segment, before *section, to reach) fetch.Range {
	indexed := before.movie != nil
	if to.whole || (!indexed && to.upTo > seg.Duration/2) {
		return fetch.Range{All: true} // another request would cost more than the rest
	}

	rng := fetch.Range{First: o.firstRange(seg, indexed), Most: mostRange}
	switch {
	case to.upTo > 0 && !indexed:
		rng.Share, rng.Most = int64(seg.Duration/to.upTo), 0
	case o.span > 0:
		rng.Next = int64(max(o.span/8, minNext))
	default:
		// Without a bit rate, the second range goes by the segment's size, which is
		// known then.
		rng.Next = max(rng.First/2, firstNext)
		if o.bitrateOf(seg) == 0 {
			rng.Share = int64(max(1, seg.Duration.Seconds()*guessesPerSecond))
		}
	}
	return rng
}

// firstRange guesses how much of seg shows where its first keyframe is, or holds it:
// in a transport stream as much as the last one took, with what lay between and what
// showed its end.
func (o *opener) firstRange(seg *hls.Segment, indexed bool) int64 {
	switch {
	case seg.IsIFrame:
		return seg.ByteRange.Length
	case indexed:
		seconds := min(int64(seg.Duration/time.Second), maxIndex)
		return min(max(seconds*indexPerSecond, minIndex), maxIndex)
	case o.span > 0:
		return int64(o.span + max(o.span/64, minMargin))
	}
	return min(max(o.bitrateOf(seg)/8/guessesPerSecond, minRange), maxRange)
}

// bitrateOf returns the average bits per second of seg, as exactly as the playlists
// show them; 0 if they do not.
func (o *opener) bitrateOf(seg *hls.Segment) int64 {
	switch seconds := seg.Duration.Seconds(); {
	case seg.ByteRange != nil && seconds > 0:
		return int64(min(float64(seg.ByteRange.Length)*8/seconds, maxBitrate))
	case seg.Bitrate > 0:
		return int64(seg.Bitrate)
	case o.variant == nil:
		return 0
	case o.variant.AverageBandwidth > 0:
		return int64(o.variant.AverageBandwidth)
	}
	return int64(o.variant.Bandwidth) * 3 / 4 // that is the peak
}

// maxBitrate is beyond what any first range is for.
const maxBitrate = 1 << 40
