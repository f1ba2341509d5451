package ts

import (
	"bytes"
	"context"
	"fmt"
	"slices"

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
	codec     keyframe.Codec // of video that is read, else UnknownCodec
	encrypted bool           // SAMPLE-AES
}

// video returns the first stream that may hold keyframes.
func (p *program) video() (stream, bool) {
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
// whole and say something new.
type section struct {
	packets []byte // 188 bytes each
	missing int    // bytes still to come
	last    []byte // the packets parsed before
}

// add takes a packet in and returns the packets of a section that is now whole
// and differs from the one before.
func (s *section) add(raw []byte, p packet) []byte {
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

// sameSections compares packets but for their continuity counters.
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

// parsePMT returns the program maps in the packets of one PID. astits takes only
// those for maps that a program association table, pat, has told it about.
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

// eachTable runs astits over whole sections. It was seen to panic on hostile
// descriptors, which must cost the table and no more.
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
