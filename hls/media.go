package hls

import "time"

// Media is a media playlist (RFC 8216 4.3.3). Durations and numbers that the
// playlist does not state are zero.
type Media struct {
	TargetDuration        time.Duration
	PartTarget            time.Duration // EXT-X-PART-INF
	MediaSequence         int64         // of the first segment, of the first skipped one in a delta update
	DiscontinuitySequence int64
	Live                  bool // neither EXT-X-ENDLIST nor EXT-X-PLAYLIST-TYPE:VOD: segments are still added
	IFramesOnly           bool // each segment's byte range is one I-frame
	ImagesOnly            bool // each segment is a JPEG (EXT-X-IMAGES-ONLY)
	IndependentSegments   bool // each segment can be decoded alone
	Segments              []Segment
	// Edge is the segment that is still being made, in low-latency HLS: its Parts
	// and what applies to them, without URI and Duration. It is nil if the playlist
	// has no part after its last segment.
	Edge             *Segment
	ServerControl    ServerControl
	RenditionReports []RenditionReport
	Start            *StartPoint // nil if the playlist has no EXT-X-START
	Skipped          int         // segments that a delta update left out before Segments (EXT-X-SKIP)
}

// Segment is a media segment with all that applies to it. Map and Keys are shared
// between segments: do not change them.
type Segment struct {
	URI           URI
	Sequence      int64 // media sequence number (RFC 8216 6.2.1)
	Duration      time.Duration
	Start         time.Duration // from the first listed segment's beginning
	ByteRange     *ByteRange    // nil: the whole resource
	Bitrate       int           // EXT-X-BITRATE, bit/s; about a whole resource
	Map           *Map          // nil: no initialisation section
	Keys          []Key         // several are alternatives, one per key format; empty: not encrypted
	Gap           bool          // EXT-X-GAP: listed, but missing
	Discontinuity bool          // it does not continue the segment before
	// ProgramDateTime is the date of its first sample: stated, or computed by
	// durations from the nearest date that is stated. It is zero if there is none.
	ProgramDateTime time.Time
	Parts           []Part
	Tiles           *Tiles // of an image; nil: it is one picture. Shared like Map

	IsPart   bool // it is a partial segment in the form of a whole one
	index    int  // of the part within its segment
	IsIFrame bool // its byte range is one keyframe
	IsImage  bool // it is a JPEG
	Tile     int  // of an image: index of the picture meant
}

// ByteRange is Length bytes of a resource from Offset on.
type ByteRange struct{ Offset, Length int64 }

// Map is a media initialisation section (EXT-X-MAP).
type Map struct {
	URI       URI
	ByteRange *ByteRange // nil: the whole resource
	Keys      []Key      // as for a segment
}

// Key is one EXT-X-KEY whose METHOD is not NONE (RFC 8216 4.3.2.4).
type Key struct {
	Method    string // AES-128, SAMPLE-AES, …
	URI       URI    // may have a scheme that belongs to the key format; Resolve refuses it
	IV        []byte // 16 bytes; nil: the media sequence number is the IV
	KeyFormat string // "identity" if the playlist gives none
}

// Part is a partial segment (draft-pantos-hls-rfc8216bis 4.4.4.9).
type Part struct {
	URI         URI
	Duration    time.Duration
	ByteRange   *ByteRange
	Independent bool // it has a keyframe
	Gap         bool
}

// ServerControl lists what the server can do (EXT-X-SERVER-CONTROL).
type ServerControl struct {
	CanBlockReload    bool
	CanSkipUntil      time.Duration // 0: no delta updates
	CanSkipDateRanges bool
	HoldBack          time.Duration
	PartHoldBack      time.Duration
}

// StartPoint is where the server suggests to begin playback; a negative Offset
// counts from the end.
type StartPoint struct {
	Offset  time.Duration
	Precise bool
}
