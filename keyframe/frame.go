package keyframe

import (
	"errors"
	"fmt"
	"image"
	"strings"
	"time"
)

// Codec is a video coding standard, or JPEG.
type Codec uint8

// The codecs that kfgrab finds keyframes in, and JPEG, the codec of the tiles that
// some HLS streams offer beside their video.
const (
	UnknownCodec Codec = iota
	H264               // ISO/IEC 14496-10
	H265               // ISO/IEC 23008-2
	JPEG               // ISO/IEC 10918-1
)

// String returns the name that ffprobe prints as codec_name, which is also
// the name of ffmpeg's demuxer for the raw byte stream: "h264", "hevc" or "mjpeg".
func (c Codec) String() string {
	switch c {
	case H264:
		return "h264"
	case H265:
		return "hevc"
	case JPEG:
		return "mjpeg"
	case UnknownCodec:
		return "unknown"
	}
	return fmt.Sprintf("Codec(%d)", uint8(c))
}

// ParseCodec returns the video codec with that name: "h264" or "avc", "h265" or
// "hevc", in any case.
func ParseCodec(name string) (Codec, error) {
	switch strings.ToLower(name) {
	case "h264", "avc":
		return H264, nil
	case "h265", "hevc":
		return H265, nil
	}
	return UnknownCodec, fmt.Errorf("unknown codec %q: want h264 or h265", name)
}

// MarshalText returns what String does. It implements encoding.TextMarshaler.
func (c Codec) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what ParseCodec does. It implements encoding.TextUnmarshaler.
func (c *Codec) UnmarshalText(text []byte) (err error) {
	*c, err = ParseCodec(string(text))
	return err
}

// SampleEntryCodec returns the codec of a sample entry's four-character code, such
// as "avc1" (ISO/IEC 14496-15, Dolby Vision's entries around the same NAL units, and
// names that QuickTime and cameras use). It is UnknownCodec for all others.
func SampleEntryCodec(format string) Codec {
	switch format {
	case "avc1", "avc2", "avc3", "avc4", "dva1", "dvav":
		return H264
	case "AVC1", "H264", "h264", "X264", "x264", "DAVC", "davc", "VSSH", "Q264", "V264", "GAVC", "rv64", "xalg", "avlg", "AVin", "aivx":
		return H264
	case "ai1p", "ai1q", "ai12", "ai13", "ai15", "ai16", "ai5p", "ai5q", "ai52", "ai53", "ai55", "ai56": // AVC-Intra
		return H264
	case "hvc1", "hev1", "hvc2", "hev2", "dvh1", "dvhe":
		return H265
	case "HEVC", "hevc", "H265", "h265", "X265", "x265":
		return H265
	}
	return UnknownCodec
}

// Kind is the reason why a decoder can start at a picture.
type Kind uint8

// The kinds of random access picture, from the surest to the last resort.
const (
	UnknownKind    Kind = iota
	IDR                 // instantaneous decoding refresh: H.264 nal_unit_type 5; H.265 IDR_W_RADL, IDR_N_LP
	CRA                 // clean random access: H.265 CRA_NUT
	BLA                 // broken link access: H.265 BLA_W_LP, BLA_W_RADL, BLA_N_LP
	RecoveryPoint       // H.264 recovery point SEI with recovery_frame_cnt 0 on an all-intra picture
	Intra               // all slices are I slices, with nothing in the stream that promises a clean start
	GradualRefresh      // H.264 recovery point SEI with recovery_frame_cnt > 0: the last of several access units
	Tile                // no keyframe: a JPEG, or a part of one, that the stream offers
)

// String returns a short lower-case name, as printed in reports.
func (k Kind) String() string {
	switch k {
	case IDR:
		return "idr"
	case CRA:
		return "cra"
	case BLA:
		return "bla"
	case RecoveryPoint:
		return "recovery-point"
	case Intra:
		return "intra"
	case GradualRefresh:
		return "gradual-refresh"
	case Tile:
		return "tile"
	case UnknownKind:
		return "unknown"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// NoPTS is the presentation time of a frame whose stream has none.
const NoPTS time.Duration = -1

// Frame is one picture that decodes by itself or, after Assembler.EveryPicture,
// after those before it.
type Frame struct {
	Codec Codec
	Kind  Kind

	// Data is an Annex B byte stream: the parameter sets that the picture
	// refers to and its access unit (both fields of a field-coded picture), in
	// the order in which they came, without filler data. A set that changes
	// between two slices stands between them. For JPEG it is the whole file.
	// The caller owns it.
	Data []byte

	// Crop is the part of a JPEG that is the picture, with the size in Info; empty
	// for all of it. Other codecs crop by their parameter sets.
	Crop image.Rectangle

	// Pictures is how many coded pictures Data holds; the picture meant is the
	// last one. It is 1, except for the kind GradualRefresh.
	Pictures int

	// AfterGap reports whether pictures before this one are missing, or may be. It is
	// set only after Assembler.EveryPicture.
	AfterGap bool

	// Disposable reports whether no other picture depends on this one. It is set
	// only after Assembler.EveryPicture, and for H.264 (nal_ref_idc 0): H.265 says so
	// only for pictures of the same temporal sub-layer.
	Disposable bool

	// OpenEnd reports whether the stream ended with this picture, so that nothing
	// shows that its last slice is whole.
	OpenEnd bool

	// PTS is the presentation time on the stream's own clock, or NoPTS.
	PTS time.Duration

	// Time is when the picture was taken, if the stream says so
	// (EXT-X-PROGRAM-DATE-TIME, RTCP sender reports), else the zero time.
	Time time.Time

	Info Info
}

// Track describes one elementary stream of a container, as probing lists it.
// The strings are those of ffprobe.
type Track struct {
	ID         int    // PID, track_ID or index of the SDP media description
	Type       string // "video", "audio", "subtitle" or "data"
	Codec      string // "h264", "aac", …; "unknown" if it has no name
	Language   string // ISO 639-2/T, or "" if unknown
	SampleRate int    // Hz, audio only, 0 if unknown
	Channels   int    // audio only, 0 if unknown
}

// Every error about the stream itself wraps one of these three; test with
// errors.Is.
var (
	// ErrNotFound: the stream was readable and held no keyframe within the budget.
	ErrNotFound = errors.New("no keyframe")
	// ErrCorrupt: the stream breaks the rules of its format, or ends too early.
	ErrCorrupt = errors.New("corrupt stream")
	// ErrUnsupported: the stream is sound, and kfgrab does not read its codec,
	// container feature or encryption.
	ErrUnsupported = errors.New("unsupported stream")
)

// ErrNotModified: the newest keyframe is the one that was returned last. Only a
// source that was asked for newer ones returns it.
var ErrNotModified = errors.New("no newer keyframe")

// Moment is the keyframe of one or several of the times that a timeline was asked
// for.
type Moment struct {
	// Times are the indices of those times, ascending.
	Times []int
	// At is when the keyframe is shown, on the clock of the times asked for. It has
	// no meaning without a Frame.
	At time.Duration
	// Frame is the keyframe, or nil; then Err says why.
	Frame *Frame
	Err   error
}
