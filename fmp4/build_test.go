package fmp4_test

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

// bx makes a box from parts: strings and byte slices as they are, integers in
// their width.
func bx(kind string, parts ...any) []byte {
	body := cat(parts...)
	return append(cat(uint32(len(body)+8), kind), body...)
}

func cat(parts ...any) (out []byte) {
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			out = append(out, p...)
		case []byte:
			out = append(out, p...)
		case uint8:
			out = append(out, p)
		case uint16:
			out = binary.BigEndian.AppendUint16(out, p)
		case uint32:
			out = binary.BigEndian.AppendUint32(out, p)
		case uint64:
			out = binary.BigEndian.AppendUint64(out, p)
		default:
			panic(p)
		}
	}
	return out
}

// zeros returns n zero bytes, for reserved fields.
func zeros(n int) []byte { return make([]byte, n) }

// list makes the body of a full box with a count and 32-bit fields.
func list(count uint32, fields ...uint32) []byte {
	return append(cat(uint32(0), count), cat32(fields)...)
}

// clip is a stream of H.264 pictures for building files.
type clip struct {
	sps, pps []byte
	pictures [][]byte // one slice each; every fifth one is an IDR picture
	key      []byte   // Frame.Data of the first picture
}

func tinyClip(tb testing.TB) *clip {
	tb.Helper()
	c := &clip{}
	for nalu := range keyframe.AnnexB(read(tb, recipe(tb, "tiny.264"))) {
		switch nalu[0] & 0x1f {
		case 7:
			c.sps = nalu
		case 8:
			c.pps = nalu
		case 1, 5:
			c.pictures = append(c.pictures, nalu)
		}
	}
	for _, nalu := range [][]byte{c.sps, c.pps, c.pictures[0]} {
		c.key = keyframe.AppendNALU(c.key, nalu)
	}
	return c
}

// sample returns a picture preceded by its length.
func (c *clip) sample(n, lengthSize int) []byte {
	length := binary.BigEndian.AppendUint32(nil, uint32(len(c.pictures[n])))
	return append(length[4-lengthSize:], c.pictures[n]...)
}

func (c *clip) avcC(lengthSize int) []byte {
	return bx("avcC", uint8(1), c.sps[1:4], uint8(0xfc+lengthSize-1),
		uint8(0xe1), uint16(len(c.sps)), c.sps, uint8(1), uint16(len(c.pps)), c.pps)
}

// visual makes a sample entry of a video track.
func visual(kind string, children ...any) []byte {
	return bx(kind, zeros(6), uint16(1), zeros(16), uint16(32), uint16(32), zeros(50), cat(children...))
}

// trak makes a track with a timescale of 25.
func trak(id uint32, handler string, stbl ...any) []byte {
	matrix := []any{uint32(0x10000), zeros(12), uint32(0x10000), zeros(12), uint32(0x40000000)}
	return bx("trak",
		bx("tkhd", uint32(3), zeros(8), id, zeros(24), cat(matrix...), zeros(8)),
		bx("mdia",
			bx("mdhd", zeros(12), uint32(25), uint32(0), uint16(0x55c4), uint16(0)),
			bx("hdlr", zeros(8), handler, zeros(13)),
			bx("minf", bx("stbl", stbl...))))
}

func stsd(entries ...[]byte) []byte {
	body := cat(uint32(0), uint32(len(entries)))
	for _, e := range entries {
		body = append(body, e...)
	}
	return bx("stsd", body)
}

// tables lists adjacent samples from offset off, as chunk 1.
func tables(off uint32, samples ...[]byte) []byte {
	sizes := make([]uint32, len(samples))
	for i, s := range samples {
		sizes[i] = uint32(len(s))
	}
	n := uint32(len(samples))
	return cat(
		bx("stts", list(1, n, 1)), bx("stsc", list(1, 1, n, 1)),
		bx("stsz", uint32(0), uint32(0), n, cat32(sizes)), bx("stco", list(1, off)))
}

func cat32(fields []uint32) (out []byte) {
	for _, f := range fields {
		out = binary.BigEndian.AppendUint32(out, f)
	}
	return out
}

// fragmentedInit is an init segment whose only track has the given defaults.
func fragmentedInit(entry []byte, duration, size, flags uint32) []byte {
	return cat(bx("ftyp", "isom", uint32(0)),
		bx("moov", trak(1, "vide", stsd(entry)), bx("mvex", bx("trex", uint32(0), uint32(1), uint32(1), duration, size, flags))))
}

const (
	syncFlags    = uint32(0x02000000)
	nonSyncFlags = uint32(0x01010000)
	farAway      = uint32(math.MaxUint32)
)
