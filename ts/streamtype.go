package ts

import (
	"encoding/binary"
	"strings"

	"github.com/asticode/go-astits"

	"github.com/kfgrab/kfgrab/keyframe"
)

// streamTypes are the values of stream_type (ISO/IEC 13818-1 table 2-34, ATSC
// A/53, SCTE 35, Apple's HLS sample encryption) with ffprobe's names.
var streamTypes = map[astits.StreamType]struct{ kind, codec string }{
	0x01: {"video", "mpeg1video"},
	0x02: {"video", "mpeg2video"},
	0x03: {"audio", "mp3"},
	0x04: {"audio", "mp3"},
	0x0f: {"audio", "aac"},
	0x10: {"video", "mpeg4"},
	0x11: {"audio", "aac_latm"},
	0x15: {"data", "timed_id3"},
	0x1b: {"video", "h264"},
	0x21: {"video", "jpeg2000"},
	0x24: {"video", "hevc"},
	0x33: {"video", "vvc"},
	0x42: {"video", "cavs"},
	0x81: {"audio", "ac3"},
	0x82: {"audio", "dts"},
	0x83: {"audio", "truehd"},
	0x86: {"data", "scte_35"},
	0x87: {"audio", "eac3"},
	0xcf: {"audio", "aac"},  // SAMPLE-AES
	0xc1: {"audio", "ac3"},  // SAMPLE-AES
	0xc2: {"audio", "eac3"}, // SAMPLE-AES
	0xd1: {"video", "dirac"},
	0xdb: {"video", "h264"}, // SAMPLE-AES
	0xea: {"video", "vc1"},
}

const (
	privateData  = 0x06
	sampleAES264 = 0xdb
)

// formats are the registration descriptors (2.6.8) that name the codec of
// private data.
var formats = map[string]struct{ kind, codec string }{
	"HEVC": {"video", "hevc"},
	"AV01": {"video", "av1"},
	"VC-1": {"video", "vc1"},
	"AC-3": {"audio", "ac3"},
	"EAC3": {"audio", "eac3"},
	"Opus": {"audio", "opus"},
	"DTS1": {"audio", "dts"},
	"DTS2": {"audio", "dts"},
	"DTS3": {"audio", "dts"},
	"BSSD": {"audio", "s302m"},
	"KLVA": {"data", "klv"},
}

func newStream(es *astits.PMTElementaryStream) stream {
	s := stream{Track: keyframe.Track{ID: int(es.ElementaryPID), Type: "data", Codec: "unknown"}}
	if t, ok := streamTypes[es.StreamType]; ok {
		s.Type, s.Codec = t.kind, t.codec
	}
	for _, d := range es.ElementaryStreamDescriptors {
		s.describe(d, es.StreamType == privateData)
	}
	switch s.Codec {
	case "h264":
		s.codec = keyframe.H264
	case "hevc":
		s.codec = keyframe.H265
	}
	s.encrypted = es.StreamType == sampleAES264
	return s
}

// describe takes in a descriptor; only private data lets one name its codec.
func (s *stream) describe(d *astits.Descriptor, private bool) {
	if l := d.ISO639LanguageAndAudioType; l != nil {
		s.Language = strings.TrimRight(string(l.Language), "\x00 ")
	}
	if !private {
		return
	}
	switch {
	case d.Registration != nil:
		name := binary.BigEndian.AppendUint32(nil, d.Registration.FormatIdentifier)
		if f, ok := formats[string(name)]; ok {
			s.Type, s.Codec = f.kind, f.codec
		}
	case d.AC3 != nil:
		s.Type, s.Codec = "audio", "ac3"
	case d.EnhancedAC3 != nil:
		s.Type, s.Codec = "audio", "eac3"
	case d.Teletext != nil || d.VBITeletext != nil:
		s.Type, s.Codec = "subtitle", "dvb_teletext"
	case d.Subtitling != nil:
		s.Type, s.Codec = "subtitle", "dvb_subtitle"
	}
}
