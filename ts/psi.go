package ts

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/asticode/go-astits"

	"github.com/kfgrab/kfgrab/keyframe"
)

// program is a program map (ISO/IEC 13818-1 2.4.4.8).
type program struct {
	number  int
	streams []stream
}

// stream is an elementary stream of a program.
type stream struct {
	keyframe.Track
	codec     keyframe.Codec // of H.264 and H.265 video, else UnknownCodec
	encrypted bool           // SAMPLE-AES
}

// firstVideo returns the first stream that may hold keyframes.
func (p *program) firstVideo() (stream, bool) {
	i := slices.IndexFunc(p.streams, func(s stream) bool { return s.codec != keyframe.UnknownCodec })
	if i < 0 {
		return stream{}, false
	}
	return p.streams[i], true
}

// maxSectionPackets bounds a PSI section: it has at most 1,024 bytes (2.4.4.4,
// 2.4.4.9), which fit into 7 packets, and private ones 4,096.
const maxSectionPackets = 24

// section gathers the packets that carry the sections of one PID, until they are
// whole and new.
type section struct {
	packets []byte // 188 bytes each
	missing int    // bytes still to come
	last    []byte // the packets parsed before
}

// addPacket adds a packet. It returns the packets of a section that is now whole and
// differs from the one before.
func (s *section) addPacket(raw []byte, p packet) []byte {
	switch {
	case p.start:
		pointer := 0
		if len(p.payload) > 0 {
			pointer = 1 + int(p.payload[0])
		}
		if len(p.payload) < pointer+3 {
			return nil
		}
		length := int(p.payload[pointer+1]&0x0f)<<8 | int(p.payload[pointer+2])
		s.packets = append(s.packets[:0], raw...)
		s.missing = pointer + 3 + length - len(p.payload)
	case s.missing > 0 && len(s.packets) < maxSectionPackets*packetSize:
		s.packets = append(s.packets, raw...)
		s.missing -= len(p.payload)
	default:
		return nil
	}

	if s.missing > 0 || sameSections(s.packets, s.last) {
		return nil
	}
	s.last = append(s.last[:0], s.packets...)
	return s.packets
}

// sameSections compares packets except for their continuity counters.
func sameSections(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for at := 0; at < len(a); at += packetSize {
		p, q := a[at:at+packetSize], b[at:at+packetSize]
		if (p[3]^q[3])&0xf0 != 0 || !bytes.Equal(p[4:], q[4:]) {
			return false
		}
	}
	return true
}

// parsePAT returns the PIDs of the program maps by program number.
func parsePAT(packets []byte) (pids map[int]int, err error) {
	pids = map[int]int{}
	err = eachTable(packets, func(d *astits.DemuxerData) {
		if d.PAT == nil {
			return
		}
		for _, p := range d.PAT.Programs {
			if p.ProgramNumber != 0 { // 0 is the network information table
				pids[int(p.ProgramNumber)] = int(p.ProgramMapID)
			}
		}
	})
	return pids, err
}

// parsePMT returns the program maps in the packets of one PID. astits recognises only
// maps that a program association table, pat, names.
func parsePMT(pat, packets []byte) (programs []program, err error) {
	err = eachTable(slices.Concat(pat, packets), func(d *astits.DemuxerData) {
		if d.PMT == nil {
			return
		}
		p := program{number: int(d.PMT.ProgramNumber)}
		for _, es := range d.PMT.ElementaryStreams {
			p.streams = append(p.streams, newStream(es))
		}
		programs = append(programs, p)
	})
	return programs, err
}

// eachTable runs astits over whole sections. astits panics on some hostile
// descriptors; that costs only the table.
func eachTable(packets []byte, visit func(*astits.DemuxerData)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: program tables: %v", keyframe.ErrCorrupt, p)
		}
	}()

	d := astits.NewDemuxer(context.Background(), bytes.NewReader(packets), astits.DemuxerOptPacketSize(packetSize))
	for {
		data, err := d.NextData()
		if err != nil {
			return nil // the end, or a table whose checksum is wrong
		}
		visit(data)
	}
}

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
		s.readDescriptor(d, es.StreamType == privateData)
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

// readDescriptor reads a descriptor. Only that of private data can name the codec.
func (s *stream) readDescriptor(d *astits.Descriptor, private bool) {
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
