package fmp4

import (
	"fmt"
	"math"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	// maxMoov bounds the index of a whole film: a day of 60 pictures and 94 AAC
	// frames a second, at some 4 bytes a sample, takes 60 MB.
	maxMoov = 64 << 20

	// maxTracks bounds the tracks of one file. The fullest films have some 60:
	// languages times codecs, subtitles, chapters.
	maxTracks = 512
)

// Init is the content of the moov box (ISO/IEC 14496-12 8.2.1).
type Init struct {
	Tracks []Track

	timescale  uint32 // of the edit lists (mvhd)
	fragmented bool   // there is an mvex box: moof boxes may follow
}

// Track is one trak box (ISO/IEC 14496-12 8.3.1).
type Track struct {
	ID        uint32
	Handler   string // "vide", "soun", "text", … (8.4.3)
	Language  string // ISO 639-2/T, or "" if unknown
	Timescale uint32 // units of media time in a second

	// From the first sample description of H.264 or H.265 that can be shown, else from
	// the first one:
	Codec         keyframe.Codec // UnknownCodec if it is neither H.264 nor H.265
	SampleEntry   string         // "avc1", "hvc1", "mp4a", …; the original format of a protected one (frma)
	ParameterSets [][]byte       // NAL units of avcC or hvcC, without start codes
	NALLengthSize int            // bytes; 0 if the payload is an Annex B byte stream
	Info          keyframe.Info  // from the first SPS; SAR and colour else from pasp and colr
	Encryption    *Encryption    // nil if samples are not encrypted

	// Rotation is how far to turn the picture clockwise for display, in degrees,
	// after flipping it left to right if Mirrored (tkhd matrix, 8.3.2).
	Rotation int
	Mirrored bool

	SampleRate, Channels int // audio only, 0 if unknown

	descriptions []description
	defaults     mp4.TrexBox
	editShift    int64 // media time of the movie's start, in units of Timescale
	edited       bool  // an edit list gives editShift
	stbl         box   // sample tables
	codecName    string
	main         int   // the description that the fields above are from
	disabled     bool  // players do not show it by themselves
	empty        bool  // it has no samples
	err          error // why the track cannot be used
}

// ParseInit reads an init segment (EXT-X-MAP), or any data that holds a whole
// moov box. Init keeps parts of data. The error wraps
// keyframe.ErrCorrupt.
func ParseInit(data []byte) (*Init, error) {
	for at := int64(0); at < int64(len(data)); {
		h, ok, err := parseHeader(data[at:])
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}

		rest := int64(len(data)) - at
		if h.size == 0 {
			h.size = rest
		}

		if h.kind == "moov" {
			if h.size > rest {
				return nil, truncatedError("the moov box", h.size-rest)
			}
			return parseMoov(box{h.kind, data[at+h.len : at+h.size], at})
		}
		at += h.size
	}
	return nil, fmt.Errorf("%w: no moov box in %d bytes", keyframe.ErrCorrupt, len(data))
}

func parseMoov(moov box) (*Init, error) {
	if len(moov.body) > maxMoov {
		return nil, fmt.Errorf("%w: moov box of %d bytes", keyframe.ErrCorrupt, len(moov.body))
	}
	in := &Init{}
	if b, ok := moov.findBox("mvhd"); ok {
		if mvhd, err := decodeLeaf[*mp4.MvhdBox](b); err == nil {
			in.timescale = mvhd.Timescale
		}
	}

	for c := range listBoxes(moov.body, moov.at) {
		if c.kind != "trak" {
			continue
		}
		if len(in.Tracks) == maxTracks {
			return nil, fmt.Errorf("%w: more than %d tracks", keyframe.ErrCorrupt, maxTracks)
		}
		in.Tracks = append(in.Tracks, parseTrak(c, in.timescale))
	}
	if len(in.Tracks) == 0 {
		return nil, fmt.Errorf("%w: the moov box holds no track", keyframe.ErrCorrupt)
	}

	if mvex, ok := moov.findBox("mvex"); ok {
		in.fragmented = true
		in.readDefaults(mvex)
	}
	for i := range in.Tracks {
		t := &in.Tracks[i]
		t.empty = !in.fragmented && t.Codec != keyframe.UnknownCodec && newTable(t.stbl).count == 0
	}
	return in, nil
}

// readDefaults reads the trex boxes (8.8.3) of the tracks.
func (in *Init) readDefaults(mvex box) {
	for c := range listBoxes(mvex.body, mvex.at) {
		if c.kind != "trex" {
			continue
		}

		trex, err := decodeLeaf[*mp4.TrexBox](c)
		if err != nil {
			continue
		}

		for i := range in.Tracks {
			if in.Tracks[i].ID == trex.TrackID {
				in.Tracks[i].defaults = *trex
			}
		}
	}
}

// trackEnabled is a flag of the tkhd box (8.3.2).
const trackEnabled = 1

func parseTrak(trak box, movieTimescale uint32) (t Track) {
	t.codecName = "unknown"
	if b, ok := trak.findBox("tkhd"); ok {
		if tkhd, err := decodeLeaf[*mp4.TkhdBox](b); err == nil {
			t.ID, t.disabled = tkhd.TrackID, tkhd.Flags&trackEnabled == 0
			t.Rotation, t.Mirrored = matrixOrientation(tkhd.Matrix)
		}
	}
	if b, ok := trak.findBox("mdia", "mdhd"); ok {
		if mdhd, err := decodeLeaf[*mp4.MdhdBox](b); err == nil {
			t.Timescale, t.Language = mdhd.Timescale, unpackLanguage(mdhd.Language)
		}
	}
	if b, ok := trak.findBox("mdia", "hdlr"); ok && len(b.body) >= 12 {
		t.Handler = string(b.body[8:12])
	}
	if b, ok := trak.findBox("edts", "elst"); ok {
		t.editShift, t.edited = editShift(b, movieTimescale, t.Timescale), true
	}

	stbl, ok := trak.findBox("mdia", "minf", "stbl")
	stsd, described := stbl.findBox("stsd")
	if !ok || !described {
		t.err = fmt.Errorf("%w: track %d has no sample description", keyframe.ErrCorrupt, t.ID)
		return t
	}
	t.stbl = stbl
	t.readDescriptions(stsd)
	t.orientInfo(&t.Info)
	return t
}

// matrixOrientation reads the upper left of a matrix, which maps (x, y) to (ax+cy,
// bx+dy).
func matrixOrientation(matrix [9]int32) (rotation int, mirrored bool) {
	a, b := float64(matrix[0]), float64(matrix[1])
	c, d := float64(matrix[3]), float64(matrix[4])
	if mirrored = a*d-b*c < 0; mirrored {
		a, b = -a, -b
	}
	degrees := int(math.Round(math.Atan2(b, a) * 180 / math.Pi))
	return (degrees + 360) % 360, mirrored
}

// orientInfo applies the orientation of the track if it turns by quarters. That of the
// pictures counts only if the container has none.
func (t *Track) orientInfo(info *keyframe.Info) {
	if t.Rotation%90 == 0 && (t.Rotation != 0 || t.Mirrored) {
		info.Rotation, info.Mirrored = t.Rotation, t.Mirrored
	}
}

// unpackLanguage unpacks three letters of five bits (8.4.2.3). Numbers below 0x400 are
// QuickTime's (QuickTime File Format, Language Code Values); the first dozen are known
// here.
func unpackLanguage(code uint16) string {
	quickTime := [...]string{"eng", "fra", "deu", "ita", "nld", "swe", "spa", "dan", "por", "nor", "heb", "jpn"}
	if int(code) < len(quickTime) {
		return quickTime[code]
	}
	var s [3]byte
	for i := range s {
		s[i] = byte(code>>(10-5*i)&0x1f) + 'a' - 1
		if s[i] < 'a' || s[i] > 'z' {
			return ""
		}
	}
	return string(s[:])
}

// editShift returns the media time that is shown when the movie begins: the
// start of the first edit, less the empty edits before it (8.6.6).
func editShift(b box, movieTimescale, mediaTimescale uint32) int64 {
	elst, err := decodeLeaf[*mp4.ElstBox](b)
	if err != nil {
		return 0
	}

	delay := 0.0
	for _, e := range elst.Entries {
		if e.MediaTime >= 0 {
			return clampTime(float64(e.MediaTime) - delay)
		}
		if movieTimescale > 0 {
			delay += float64(e.SegmentDuration) * float64(mediaTimescale) / float64(movieTimescale)
		}
	}
	return 0
}

// clampTime bounds media times so that sums of a few of them do not overflow.
func clampTime(units float64) int64 {
	return int64(max(-maxTime, min(maxTime, units)))
}

// maxTime is 36 years of the finest timescale in use, 10 MHz, with room to add.
const maxTime = 1 << 60

// List describes every track in file order, as probing does.
func (in *Init) List() []keyframe.Track {
	list := make([]keyframe.Track, len(in.Tracks))
	for i := range in.Tracks {
		t := &in.Tracks[i]
		list[i] = keyframe.Track{
			ID: int(t.ID), Type: t.mediaType(), Codec: t.codecName, Language: t.Language,
			SampleRate: t.SampleRate, Channels: t.Channels,
		}
	}
	return list
}

func (t *Track) mediaType() string {
	switch t.Handler {
	case "vide", "auxv":
		return "video"
	case "soun":
		return "audio"
	case "text", "subt", "sbtl", "subp", "clcp":
		return "subtitle"
	}
	return "data"
}

// quoteCode quotes a four-character code of the stream for an error message.
func quoteCode(code string) string {
	for _, c := range []byte(code) {
		if c < ' ' || c > '~' {
			return fmt.Sprintf("%q", code)
		}
	}
	return code
}
