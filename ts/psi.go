package ts

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

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

// findStream returns the stream of a PID.
func (p *program) findStream(pid int) (stream, bool) {
	i := slices.IndexFunc(p.streams, func(s stream) bool { return s.ID == pid })
	if i < 0 {
		return stream{}, false
	}
	return p.streams[i], true
}

// Tables and sizes of sections (2.4.4.4, 2.4.4.9).
const (
	tablePAT   = 0x00
	tablePMT   = 0x02
	stuffing   = 0xff // in place of a table_id
	headBytes  = 3    // up to section_length
	fixedBytes = 8    // up to last_section_number
	crcBytes   = 4
)

// sectionStream cuts the payload of one PID into sections. It holds one, whose length
// has 12 bits.
type sectionStream struct {
	data   []byte // of the section that is coming in
	inside bool   // its beginning was seen
}

// addPayload takes the payload of a packet, and passes on the sections that end in it.
// They are valid until take returns.
func (s *sectionStream) addPayload(p packet, take func(section []byte)) {
	b := p.payload
	if p.start {
		if len(b) == 0 || int(b[0]) >= len(b) {
			s.inside = false
			return
		}
		pointer := int(b[0])
		s.cutSections(b[1:1+pointer], take)
		s.data, s.inside = s.data[:0], true
		b = b[1+pointer:]
	}
	s.cutSections(b, take)
}

func (s *sectionStream) cutSections(b []byte, take func(section []byte)) {
	if !s.inside {
		return
	}

	s.data = append(s.data, b...)
	rest := s.data
	for len(rest) >= headBytes && s.inside {
		size := headBytes + int(rest[1]&0x0f)<<8 + int(rest[2])
		if s.inside = rest[0] != stuffing; !s.inside || len(rest) < size {
			break
		}
		take(rest[:size])
		rest = rest[size:]
	}
	s.data = s.data[:copy(s.data, rest)]
}

// table is a section of a program association table or map that is in force.
type table struct {
	id        byte
	extension int // transport_stream_id or program_number
	version   byte
	number    byte // section_number
	last      byte // last_section_number
	body      []byte
	checksum  uint32
}

// tableKey identifies a section among those of a stream.
type tableKey struct {
	pid       int
	id        byte
	extension int
	number    byte
}

// parseTable reads the head of a section (2.4.4.11). ok is false for other sections,
// damaged ones, and those of which current_next_indicator says that they are not in
// force yet.
func parseTable(section []byte) (t table, ok bool) {
	const longSyntax = 0x80 // section_syntax_indicator
	if len(section) < fixedBytes+crcBytes || section[1]&longSyntax == 0 || section[5]&1 == 0 || crcMPEG2(section) != 0 {
		return table{}, false
	}
	return table{
		id: section[0], extension: int(binary.BigEndian.Uint16(section[3:])), version: section[5] >> 1 & 0x1f,
		number: section[6], last: section[7], body: section[fixedBytes : len(section)-crcBytes],
		checksum: binary.BigEndian.Uint32(section[len(section)-crcBytes:]),
	}, true
}

// crcMPEG2 is the CRC_32 of annex A. It is 0 for a section with its own.
func crcMPEG2(b []byte) uint32 {
	const polynomial = 0x04c11db7
	crc := ^uint32(0)
	for _, c := range b {
		crc ^= uint32(c) << 24
		for range 8 {
			crc = crc<<1 ^ crc>>31*polynomial
		}
	}
	return crc
}

// association is the program association table (2.4.4.4), which may have several
// sections.
type association struct {
	version, last byte
	sections      map[byte]map[int]int
}

// addTable adds a section. It returns the PIDs of the program maps by program number,
// as far as they are known.
func (a *association) addTable(t table) map[int]int {
	if a.sections == nil || t.version != a.version || t.last != a.last {
		*a = association{t.version, t.last, map[byte]map[int]int{}}
	}

	pids := map[int]int{}
	for b := t.body; len(b) >= 4; b = b[4:] {
		number, pid := int(binary.BigEndian.Uint16(b)), int(binary.BigEndian.Uint16(b[2:])&0x1fff)
		if number != 0 && pid != 0 { // 0 is the network information table
			pids[number] = pid
		}
	}
	a.sections[t.number] = pids

	all := map[int]int{}
	for _, part := range a.sections {
		for number, pid := range part {
			all[number] = pid
		}
	}
	return all
}

// parseProgram reads a program map. ok is false if it contradicts itself.
func parseProgram(t table) (p program, ok bool) {
	p.number = t.extension
	if len(t.body) < 4 {
		return program{}, false
	}

	_, b, ok := cutDescriptors(t.body[2:])
	for ok && len(b) >= 5 {
		kind, pid := b[0], int(binary.BigEndian.Uint16(b[1:])&0x1fff)
		var descriptors []byte
		if descriptors, b, ok = cutDescriptors(b[3:]); ok {
			p.streams = append(p.streams, newStream(kind, pid, descriptors))
		}
	}
	return p, ok
}

// cutDescriptors cuts a loop of descriptors, which follows its length, off b.
func cutDescriptors(b []byte) (descriptors, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	size := int(binary.BigEndian.Uint16(b) & 0x0fff)
	if b = b[2:]; size > len(b) {
		return nil, nil, false
	}
	return b[:size], b[size:], true
}

// streamTypes are the values of stream_type (ISO/IEC 13818-1 table 2-34, ATSC
// A/53, SCTE 35, Apple's HLS sample encryption) with ffprobe's names.
var streamTypes = map[byte]struct{ kind, codec string }{
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

// Tags of descriptors (ISO/IEC 13818-1 table 2-45, ETSI EN 300 468 table 12).
const (
	tagRegistration = 0x05
	tagLanguage     = 0x0a
	tagVBITeletext  = 0x46
	tagTeletext     = 0x56
	tagSubtitling   = 0x59
	tagAC3          = 0x6a
	tagEnhancedAC3  = 0x7a
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

func newStream(kind byte, pid int, descriptors []byte) stream {
	s := stream{Track: keyframe.Track{ID: pid, Type: "data", Codec: "unknown"}}
	if t, ok := streamTypes[kind]; ok {
		s.Type, s.Codec = t.kind, t.codec
	}

	for b := descriptors; len(b) >= 2 && 2+int(b[1]) <= len(b); b = b[2+int(b[1]):] {
		s.readDescriptor(b[0], b[2:2+int(b[1])], kind == privateData)
	}

	switch s.Codec {
	case "h264":
		s.codec = keyframe.H264
	case "hevc":
		s.codec = keyframe.H265
	}
	s.encrypted = kind == sampleAES264
	return s
}

// readDescriptor reads a descriptor. Only that of private data can name the codec.
func (s *stream) readDescriptor(tag byte, body []byte, private bool) {
	if tag == tagLanguage && len(body) >= 3 {
		s.Language = strings.TrimRight(string(body[:3]), "\x00 ")
	}
	if !private {
		return
	}

	switch tag {
	case tagRegistration:
		if f, ok := formats[string(body[:min(len(body), 4)])]; ok {
			s.Type, s.Codec = f.kind, f.codec
		}
	case tagAC3:
		s.Type, s.Codec = "audio", "ac3"
	case tagEnhancedAC3:
		s.Type, s.Codec = "audio", "eac3"
	case tagTeletext, tagVBITeletext:
		s.Type, s.Codec = "subtitle", "dvb_teletext"
	case tagSubtitling:
		s.Type, s.Codec = "subtitle", "dvb_subtitle"
	}
}

// unreadableError names what the programs hold instead of H.264 or H.265. It is nil
// if they hold nothing.
func unreadableError(programs []program) error {
	var video, others []string
	for _, p := range programs {
		for _, s := range p.streams {
			if s.Type == "video" {
				video = append(video, s.Codec)
			} else {
				others = append(others, s.Type+" "+s.Codec)
			}
		}
	}

	switch {
	case len(video) > 0:
		return fmt.Errorf("%w: video codec %s; kfgrab reads H.264 and H.265", keyframe.ErrUnsupported, strings.Join(video, ", "))
	case len(others) > 0:
		return fmt.Errorf("%w: no video stream, only %s", keyframe.ErrNotFound, strings.Join(others, ", "))
	}
	return nil
}
