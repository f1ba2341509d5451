package main

import (
	"bytes"
	"encoding/binary"
	"os"

	"github.com/rogpeppe/go-internal/testscript"
)

// damages are ways to spoil a file. Those for transport streams assume ffmpeg's
// PIDs, those for MP4 its order of boxes, with the index in front.
var damages = map[string]func([]byte) []byte{
	"scramble":     scramble,
	"lose-first":   func(b []byte) []byte { return losePackets(b, 1) },
	"lose-all":     func(b []byte) []byte { return losePackets(b, 1000) },
	"cut-keyframe": func(b []byte) []byte { return b[:(firstKeyframe(b)+20)*packetSize] },
	"cut-index":    func(b []byte) []byte { return b[:bytes.Index(b, []byte("moov"))+200] },
	"cut-data":     func(b []byte) []byte { return b[:bytes.Index(b, []byte("mdat"))+2000] },
	"zero-box":     func(b []byte) []byte { return resize(b, "moov", 0) },
	"tiny-box":     func(b []byte) []byte { return resize(b, "moov", 7) },
	"4gb-box":      func(b []byte) []byte { return resize(b, "moov", 0xffffffff) },
	"4gb-child":    func(b []byte) []byte { return resize(b, "stbl", 0xffffffff) },
	"zero-child":   func(b []byte) []byte { return resize(b, "stsz", 0) },
	"zero-units":   zeroUnits,
	"zero-samples": zeroSamples,
	"garble":       garble,
	"join-late":    func(b []byte) []byte { return b[(firstKeyframe(b)+3)*packetSize+77:] },
}

// cmdDamage is "damage KIND FROM TO".
func cmdDamage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 || damages[args[0]] == nil {
		ts.Fatalf("usage: damage KIND FROM TO")
	}
	data := damages[args[0]]([]byte(ts.ReadFile(args[1])))
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), data, 0o644))
}

const (
	packetSize = 188
	videoPID   = 0x100
)

func packet(b []byte, n int) []byte { return b[n*packetSize : (n+1)*packetSize] }

func isVideo(p []byte) bool { return int(p[1]&0x1f)<<8|int(p[2]) == videoPID }

// isRandomAccess reads the random_access_indicator (ISO/IEC 13818-1 2.4.3.4).
func isRandomAccess(p []byte) bool { return isVideo(p) && p[3]&0x20 != 0 && p[4] > 0 && p[5]&0x40 != 0 }

func firstKeyframe(b []byte) int {
	for n := range len(b) / packetSize {
		if isRandomAccess(packet(b, n)) {
			return n
		}
	}
	panic("no keyframe in the stream to be damaged")
}

// scramble marks all packets but those of the tables as scrambled, and changes their
// payloads.
func scramble(b []byte) []byte {
	for n := range len(b) / packetSize {
		if p := packet(b, n); p[1]&0x1f != 0 || p[2] != 0 { // not the PAT
			if p[1]&0x1f != 0x10 || p[2] != 0 { // not the PMT
				p[3] |= 0x80
				from := 4
				if p[3]&0x20 != 0 {
					from += 1 + int(p[4])
				}
				for i := from; i < packetSize; i++ {
					p[i] ^= byte(0xa5 + 31*i)
				}
			}
		}
	}
	return b
}

// losePackets removes a packet from the middle of each of the first count
// keyframes.
func losePackets(b []byte, count int) (out []byte) {
	within := -1
	for n := range len(b) / packetSize {
		p := packet(b, n)
		switch {
		case isRandomAccess(p) && count > 0:
			within = 0
			count--
		case isVideo(p) && within >= 0:
			within++
		}
		if within == 10 {
			within = -1
			continue
		}
		out = append(out, p...)
	}
	return out
}

// resize sets a wrong size in the first box of that kind.
func resize(b []byte, kind string, size uint32) []byte {
	binary.BigEndian.PutUint32(b[bytes.Index(b, []byte(kind))-4:], size)
	return b
}

// zeroUnits puts an empty NAL unit before every other.
func zeroUnits(b []byte) []byte {
	code := []byte{0, 0, 1}
	return bytes.ReplaceAll(b, code, bytes.Repeat(code, 3))
}

// zeroSamples puts an empty NAL unit before the first one of the first sample,
// and shortens that one, an SEI message, by as much.
func zeroSamples(b []byte) []byte {
	sample := b[bytes.Index(b, []byte("mdat"))+4:]
	size := binary.BigEndian.Uint32(sample)
	copy(sample[8:], sample[4:5])
	binary.BigEndian.PutUint32(sample[4:], size-4)
	binary.BigEndian.PutUint32(sample, 0)
	return b
}

// garble spoils the second half of the first keyframe of a byte stream in which
// every picture is one slice.
func garble(b []byte) []byte {
	slice := bytes.Index(b, []byte{0, 0, 1, 0x65})
	end := slice + 4 + bytes.Index(b[slice+4:], []byte{0, 0, 1})
	for i := (slice + end) / 2; i < end; i++ {
		b[i] = 0xff
	}
	return b
}
