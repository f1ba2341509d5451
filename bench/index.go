package bench

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/Eyevinn/mp4ff/mp4"
)

// span is the position of a box in a file.
type span struct {
	kind       string
	start, end int64
}

// listBoxes lists the top-level boxes of a file that ffmpeg made (ISO/IEC 14496-12
// 4.2, with 32-bit sizes).
func listBoxes(b []byte) ([]span, error) {
	var out []span
	for at := int64(0); at < int64(len(b)); {
		if at+8 > int64(len(b)) {
			return nil, fmt.Errorf("box header cut off at %d", at)
		}
		size := int64(binary.BigEndian.Uint32(b[at:]))
		if size < 8 || at+size > int64(len(b)) {
			return nil, fmt.Errorf("box at %d has size %d", at, size)
		}
		out = append(out, span{kind: string(b[at+4 : at+8]), start: at, end: at + size})
		at += size
	}
	return out, nil
}

// keySample is the position of the first video sample of a fragmented file. In files of
// ffmpeg's HLS muxer it is a keyframe.
type keySample struct {
	moofEnd    int64 // end of the index that describes the sample
	start, end int64
}

// firstSample finds the first video sample in segment, with init as its initialisation
// section.
func firstSample(init, segment []byte) (keySample, error) {
	f, err := mp4.DecodeFile(bytes.NewReader(append(bytes.Clone(init), segment...)))
	if err != nil {
		return keySample{}, err
	}
	moov := f.Init.Moov
	for _, s := range f.Segments {
		for _, fragment := range s.Fragments {
			for _, traf := range fragment.Moof.Trafs {
				if !isVideo(moov, traf.Tfhd.TrackID) || len(traf.Truns) == 0 || len(traf.Truns[0].Samples) == 0 {
					continue
				}
				trex, _ := moov.Mvex.GetTrex(traf.Tfhd.TrackID)
				run := traf.Trun
				run.AddSampleDefaultValues(traf.Tfhd, trex)
				start := int64(fragment.Moof.StartPos) + int64(run.DataOffset) - int64(len(init))
				return keySample{
					moofEnd: int64(fragment.Moof.StartPos+fragment.Moof.Size()) - int64(len(init)),
					start:   start, end: start + int64(run.Samples[0].Size),
				}, nil
			}
		}
	}
	return keySample{}, fmt.Errorf("no video sample")
}

func isVideo(moov *mp4.MoovBox, track uint32) bool {
	for _, t := range moov.Traks {
		if t.Tkhd.TrackID == track {
			return t.Mdia.Hdlr.HandlerType == "vide"
		}
	}
	return false
}

// unit is the position of an access unit in a file.
type unit struct {
	start, end int64 // from the start of its first packet to the end of its last
	key        bool  // the muxer marked it as a random access point
}

// tsPacket is the packet length of ISO/IEC 13818-1 2.4.3.2.
const tsPacket = 188

// tsUnits lists the access units of a transport stream that ffmpeg made: one video
// stream, whole packets from the first byte, one PES per access unit. It is independent
// of the code under test and reads no other transport streams.
func tsUnits(b []byte) []unit {
	var units []unit
	video := -1
	for at := 0; at+tsPacket <= len(b); at += tsPacket {
		p := b[at : at+tsPacket]
		pid := int(binary.BigEndian.Uint16(p[1:]) & 0x1FFF)
		starts, payload := p[1]&0x40 != 0, tsPayload(p)
		if starts && len(payload) > 3 && payload[2] == 1 && payload[3]&0xF0 == 0xE0 {
			video = pid
			units = append(units, unit{start: int64(at), key: randomAccess(p)})
		}
		if pid == video {
			units[len(units)-1].end = int64(at + tsPacket)
		}
	}
	return units
}

// tsPayload returns what follows the adaptation field.
func tsPayload(p []byte) []byte {
	switch p[3] >> 4 & 3 {
	case 1:
		return p[4:]
	case 3:
		return p[min(5+int(p[4]), len(p)):]
	}
	return nil
}

// randomAccess reports whether the packet's adaptation field has the
// random_access_indicator of ISO/IEC 13818-1 2.4.3.5.
func randomAccess(p []byte) bool {
	return p[3]&0x20 != 0 && p[4] > 0 && p[5]&0x40 != 0
}

// keyframeUnits returns the units that are keyframes.
func keyframeUnits(units []unit) []unit {
	var out []unit
	for _, u := range units {
		if u.key {
			out = append(out, u)
		}
	}
	return out
}
