package fmp4_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/keyframe"
)

// mdatFirst puts samples before the index, at offset 16.
func mdatFirst(moov []byte, samples ...[]byte) []byte {
	return cat(bx("free"), bx("mdat", cat(anys(samples)...)), moov)
}

func anys(parts [][]byte) (out []any) {
	for _, p := range parts {
		out = append(out, p)
	}
	return out
}

type fileCase struct {
	name string
	data []byte
	want error  // nil: the clip's first keyframe
	text string // part of the error's message
}

// progressiveCases returns files with all samples in the moov box.
func progressiveCases(tb testing.TB) []fileCase {
	c := tinyClip(tb)
	key, next := c.sample(0, 4), c.sample(1, 4)
	size := uint32(len(key))
	avc1 := visual("avc1", c.avcC(4))
	movie := func(entry []byte, stbl ...any) []byte {
		return bx("moov", trak(1, "vide", append([]any{stsd(entry)}, stbl...)...))
	}
	plain := movie(avc1, tables(16, key, next))
	one := func(kind string, children ...any) []byte {
		return mdatFirst(movie(visual(kind, children...), tables(16, key)), key)
	}
	protected := cat(c.avcC(4), bx("sinf", bx("frma", "avc1"), bx("schm", uint32(0), "cbcs", uint32(1)),
		bx("schi", bx("tenc", uint32(0), uint16(0), uint8(1), uint8(8), zeros(16)))))
	other := visual("avc1", bx("avcC", uint8(1), zeros(3), uint8(0xff), uint8(0xe0), uint8(0)))
	chunked := func(n uint32) []byte {
		return cat(bx("stts", list(1, n, 1)), bx("stsc", list(2, 1, 1, 2, 2, 1, 1)),
			bx("stsz", uint32(0), uint32(0), uint32(2), size, uint32(len(next))), bx("stco", list(2, 16, 16+size)))
	}
	annexB := append(append([]byte{0, 0, 0, 1}, c.pictures[0]...), append([]byte{0, 0, 0, 1}, c.pps...)...)

	return []fileCase{
		{name: "plain", data: mdatFirst(plain, key, next)},
		{name: "NAL lengths of 2 bytes", data: mdatFirst(movie(visual("avc3", c.avcC(2)), tables(16, c.sample(0, 2))), c.sample(0, 2))},
		{name: "NAL lengths of 1 byte", data: mdatFirst(movie(visual("avc1", c.avcC(1)), tables(16, c.sample(0, 1))), c.sample(0, 1))},
		{name: "NAL units of zero length", data: mdatFirst(movie(avc1, tables(16, append(zeros(8), key...))), zeros(8), key)},
		{name: "start codes in spite of avcC", data: mdatFirst(movie(avc1, tables(16, annexB)), annexB)},
		{name: "64-bit mdat", data: cat(uint32(1), "mdat", uint64(16+len(key)), key, movie(avc1, tables(16, key)))},
		{name: "64-bit moov", data: cat(bx("free"), bx("mdat", key, next), uint32(1), "moov", uint64(len(plain)+8), plain[8:])},
		{name: "moov to the end", data: mdatFirst(cat(uint32(0), plain[4:]), key, next)},
		{name: "mdat to the end", data: func() []byte {
			moov := movie(avc1, tables(0, key))
			return cat(movie(avc1, tables(uint32(len(moov)+8), key)), uint32(0), "mdat", key)
		}()},
		{name: "no stss", data: mdatFirst(plain, key, next)},
		{name: "empty stss", data: mdatFirst(movie(avc1, tables(16, key, next), bx("stss", list(0))), key, next)},
		{name: "sync sample that is none", data: mdatFirst(movie(avc1, tables(16, next, key), bx("stss", list(2, 1, 2))), next, key)},
		{name: "stss of the wrong samples", data: mdatFirst(movie(avc1, tables(16, key, next), bx("stss", list(1, 2))), key, next)},
		{name: "empty samples", data: mdatFirst(movie(avc1, tables(16, nil, nil, key)), key)},
		{name: "co64", data: mdatFirst(movie(avc1, bx("stts", list(1, 1, 1)), bx("stsc", list(1, 1, 1, 1)),
			bx("stsz", uint32(0), size, uint32(1)), bx("co64", uint32(0), uint32(1), uint64(16))), key)},
		{name: "stz2 of 16 bits", data: mdatFirst(movie(avc1, bx("stts", list(1, 2, 1)), bx("stsc", list(1, 1, 2, 1)),
			bx("stz2", uint32(0), uint32(16), uint32(2), uint16(size), uint16(len(next))), bx("stco", list(1, 16))), key, next)},
		{name: "parameter sets of the second description", data: mdatFirst(bx("moov", trak(1, "vide", stsd(other, avc1),
			bx("stts", list(1, 1, 1)), bx("stsc", list(1, 1, 1, 2)), bx("stsz", uint32(0), size, uint32(1)), bx("stco", list(1, 16)))), key)},
		{name: "two chunks", data: mdatFirst(movie(avc1, chunked(2)), key, next)},
		{name: "other tracks in front", data: mdatFirst(bx("moov", trak(7, "soun", stsd(bx("mp4a", zeros(28))), tables(16, next)),
			trak(9, "vide", stsd(visual("av01"))), trak(1, "vide", stsd(avc1), tables(16, key))), key)},
		{name: "track without description", data: mdatFirst(bx("moov", trak(7, "vide"), trak(1, "vide", stsd(avc1), tables(16, key))), key)},
		{name: "encv in the clear", data: one("encv", protected)},
		{name: "encv", data: mdatFirst(movie(visual("encv", protected), tables(16, key), bx("senc", zeros(8))), key), want: keyframe.ErrUnsupported, text: "encrypted (cbcs)"},

		{name: "AV1", data: one("av01"), want: keyframe.ErrUnsupported, text: "av1 (av01)"},
		{name: "VP9", data: one("vp09"), want: keyframe.ErrUnsupported, text: "vp9 (vp09)"},
		{name: "MPEG-4 visual", data: one("mp4v"), want: keyframe.ErrUnsupported, text: "mpeg4 (mp4v)"},
		{name: "nobody knows", data: one("\x01abc"), want: keyframe.ErrUnsupported, text: `"\x01abc"`},
		{name: "audio only", data: bx("moov", trak(1, "soun", stsd(bx("mp4a", zeros(28))))), want: keyframe.ErrNotFound, text: "audio only"},
		{name: "no track", data: bx("moov", bx("mvhd")), want: keyframe.ErrCorrupt, text: "no track"},
		{name: "no sample", data: movie(avc1), want: keyframe.ErrNotFound, text: "no sample of track 1"},
		{name: "no picture in the samples", data: mdatFirst(movie(avc1, tables(16, next)), next), want: keyframe.ErrNotFound},
		{name: "cut in the sample", data: func() []byte {
			moov := movie(avc1, tables(0, key))
			data := cat(movie(avc1, tables(uint32(len(moov)+8), key)), bx("mdat", key))
			return data[:len(data)-10]
		}(), want: keyframe.ErrCorrupt, text: "10 bytes of it are missing"},
		{name: "cut in moov", data: mdatFirst(plain, key, next)[:16+len(key)+len(next)+40], want: keyframe.ErrCorrupt, text: "moov box is cut short"},
		{name: "cut in mdat", data: mdatFirst(plain, key, next)[:40], want: keyframe.ErrCorrupt, text: "before its index"},
		{name: "empty", data: nil, want: keyframe.ErrCorrupt},
		{name: "box of 4 bytes", data: cat(uint32(4), "free", zeros(100)), want: keyframe.ErrCorrupt, text: "shorter than its header"},
		{name: "64-bit box of 0 bytes", data: cat(uint32(1), "free", uint64(0), zeros(100)), want: keyframe.ErrCorrupt, text: "0 bytes"},
		{name: "64-bit box of all bits", data: cat(uint32(1), "free", ^uint64(0), zeros(100)), want: keyframe.ErrCorrupt},
		{name: "mdat to the end and no index", data: cat(uint32(0), "mdat", key), want: keyframe.ErrCorrupt, text: "before its index"},
		{name: "box of 4 GB", data: cat(farAway, "free", zeros(100)), want: keyframe.ErrCorrupt, text: "before its index"},
		{name: "moov of 4 GB", data: cat(farAway, "moov", zeros(100)), want: keyframe.ErrCorrupt, text: "4294967295 bytes"},
		{name: "moov of 60 MB that is not there", data: cat(uint32(60<<20), "moov", zeros(100)), want: keyframe.ErrCorrupt, text: "are missing"},
		{name: "sample of 4 GB", data: movie(avc1, bx("stsc", list(1, 1, 1, 1)), bx("stsz", uint32(0), farAway, uint32(1)), bx("stco", list(1, 0))), want: keyframe.ErrCorrupt, text: "4294967295 bytes"},
		{name: "sample far outside", data: movie(avc1, bx("stsc", list(1, 1, 1, 1)), bx("stsz", uint32(0), uint32(9), uint32(1)), bx("co64", uint32(0), uint32(1), ^uint64(0))), want: keyframe.ErrCorrupt},
		{name: "samples over each other", data: mdatFirst(movie(avc1, bx("stsc", list(1, 1, 1, 1)), bx("stsz", uint32(0), uint32(len(next)), uint32(4000)),
			bx("stco", list(4000, repeat(16, 4000)...))), next), want: keyframe.ErrCorrupt, text: "samples overlap"},
		{name: "4 billion samples of nothing", data: mdatFirst(movie(avc1, bx("stts", list(1, farAway, 1)), bx("stsc", list(1, 1, farAway, 1)),
			bx("stsz", uint32(0), uint32(1), farAway), bx("stco", list(1, farAway)), bx("stss", list(1, farAway))), next), want: keyframe.ErrCorrupt},
	}
}

func repeat(v uint32, n int) (out []uint32) {
	for range n {
		out = append(out, v)
	}
	return out
}

func TestProgressive(t *testing.T) {
	checkFiles(t, progressiveCases(t))
}

// checkFiles reads files with known and with unknown size.
func checkFiles(t *testing.T, cases []fileCase) {
	t.Helper()
	key := tinyClip(t).key
	for _, c := range cases {
		for _, size := range []int64{int64(len(c.data)), -1} {
			r := &countingReader{data: c.data}
			f, err := fmp4.NewMovie(r, size, nil).Keyframe()
			switch {
			case c.want == nil && err != nil:
				t.Errorf("%s: %v", c.name, err)
			case c.want == nil && !bytes.Equal(f.Data, key):
				t.Errorf("%s: another frame", c.name)
			case c.want != nil && (!errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text)):
				t.Errorf("%s: error %v, not %v (%s)", c.name, err, c.want, c.text)
			}
			if most := 8*int64(len(c.data)) + 1; r.bytes > most {
				t.Errorf("%s: %d bytes read of %d", c.name, r.bytes, len(c.data))
			}
		}
	}
}
