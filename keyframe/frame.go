package keyframe

import (
	"fmt"
	"image"
	"strings"
	"time"
)

// Codec is a video coding standard, or the one of ready-made pictures.
type Codec uint8

// The codecs that kfgrab finds keyframes in, and JPEG, which is never in a video
// stream here: tiles beside one have it.
const (
	UnknownCodec Codec = iota
	H264               // ISO/IEC 14496-10
	H265               // ISO/IEC 23008-2
	JPEG               // ISO/IEC 10918-1
)

// String gives the name that ffprobe prints as codec_name, which is also
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

// ParseCodec returns the codec of video of that name: "h264" or "avc", "h265" or "hevc",
// in any case.
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
// as "avc1" (ISO/IEC 14496-15, and Dolby Vision's entries around the same NAL
// units). It is UnknownCodec for all others.
func SampleEntryCodec(format string) Codec {
	switch format {
	case "avc1", "avc2", "avc3", "avc4", "dva1", "dvav":
		return H264
	case "hvc1", "hev1", "dvh1", "dvhe":
		return H265
	}
	return UnknownCodec
}

// Kind says why a decoder can start at a picture.
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
	Tile                // no keyframe: a ready-made picture of the stream, a JPEG or a part of one
)

// String gives a short lower-case name, as printed in reports.
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

// NoPTS is the presentation time of a frame whose stream did not tell one.
const NoPTS time.Duration = -1

// Frame is one picture that decodes by itself; behind Assembler.EveryPicture also
// one that decodes behind those before it.
type Frame struct {
	Codec Codec
	Kind  Kind

	// Data is an Annex B byte stream: the parameter sets that the picture
	// refers to, then its access unit (both fields of a field-coded picture),
	// without filler data. Of JPEG it is the file as it came. The caller owns it.
	Data []byte

	// Crop is the part of a JPEG that is the picture, of the size that Info has;
	// empty for all of it. Other codecs tell by their parameter sets.
	Crop image.Rectangle

	// Pictures is how many coded pictures Data holds; the picture meant is the
	// last one. It is 1, except for the kind GradualRefresh.
	Pictures int

	// AfterGap says that pictures in front of this one are missing, or may be. It is
	// set behind Assembler.EveryPicture alone.
	AfterGap bool

	// Disposable says that no other picture depends on this one. It is set behind
	// Assembler.EveryPicture alone, and of H.264 (nal_ref_idc 0); H.265 tells only
	// which pictures of the same temporal sub-layer do not.
	Disposable bool

	// OpenEnd says that the stream ended with this picture: nothing shows that its
	// last slice came whole.
	OpenEnd bool

	// PTS is the presentation time on the stream's own clock, or NoPTS.
	PTS time.Duration

	// Time is when the picture was taken, where the stream tells by a clock of its
	// own (EXT-X-PROGRAM-DATE-TIME, RTCP sender reports), else the zero time.
	Time time.Time

	Info Info
}

// Track describes one elementary stream of a container, as probing lists it.
// The strings are those of ffprobe.
type Track struct {
	ID         int    // PID, track_ID or index of the SDP media description
	Type       string // "video", "audio", "subtitle" or "data"
	Codec      string // "h264", "aac", …; "unknown" where it has no name
	Language   string // ISO 639-2/T, or "" where the stream does not tell
	SampleRate int    // Hz, audio only, 0 where unknown
	Channels   int    // audio only, 0 where unknown
}
