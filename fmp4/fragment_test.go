package fmp4_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/keyframe"
)

// Flags of tfhd and trun (ISO/IEC 14496-12 8.8.7.1, 8.8.8.1).
const (
	tfhdBaseOffset   = 1
	tfhdDescription  = 2
	tfhdDuration     = 8
	tfhdSize         = 0x10
	tfhdFlags        = 0x20
	tfhdBaseIsMoof   = 0x20000
	trunOffset       = 1
	trunFirstFlags   = 4
	trunDuration     = 0x100
	trunSize         = 0x200
	trunFlags        = 0x400
	trunCompositions = 0x800
)

func tfhd(flags, id uint32, fields ...any) []byte { return bx("tfhd", flags, id, cat(fields...)) }
func trun(flags, n uint32, fields ...any) []byte  { return bx("trun", flags, n, cat(fields...)) }

// fragmentCases returns fragmented files. Offsets count from the moof box, so
// the builder runs twice: once to learn its size.
func fragmentCases(tb testing.TB) []fileCase {
	c := tinyClip(tb)
	key, next := c.sample(0, 4), c.sample(1, 4)
	k, n := uint32(len(key)), uint32(len(next))
	avc1 := visual("avc1", c.avcC(4))
	in := fragmentedInit(avc1, 1, 0, nonSyncFlags)
	// file joins init + moof + mdat; data is the distance from moof to payload.
	file := func(in []byte, trafs func(data uint32) []byte, payload ...[]byte) []byte {
		size := uint32(len(bx("moof", trafs(0))))
		return cat(in, bx("moof", trafs(size+8)), bx("mdat", cat(anys(payload)...)))
	}
	traf := func(parts ...any) []byte { return bx("traf", parts...) }
	one := func(in []byte, head func(data uint32) []byte) []byte {
		return file(in, head, key)
	}
	other := func(data uint32) []byte { // a traf box of another track, with n bytes of payload
		return traf(tfhd(tfhdBaseIsMoof|tfhdSize, 9, n), trun(trunOffset, 1, data))
	}
	protected := visual("encv", c.avcC(4), bx("sinf", bx("frma", "avc1"), bx("schm", uint32(0), "cenc", uint32(1)),
		bx("schi", bx("tenc", uint32(0), uint16(0), uint8(1), uint8(8), zeros(16)))))
	clear := func(data uint32) []byte {
		return traf(tfhd(tfhdBaseIsMoof|tfhdFlags, 1, syncFlags), trun(trunOffset|trunSize, 1, data, k))
	}

	return []fileCase{
		{name: "default base is moof", data: one(in, clear)},
		{name: "sync by default of trex", data: one(fragmentedInit(avc1, 1, 0, syncFlags), func(d uint32) []byte {
			return traf(tfhd(tfhdBaseIsMoof, 1), trun(trunOffset|trunSize, 1, d, k))
		})},
		{name: "size by default of trex", data: one(fragmentedInit(avc1, 1, k, 0), func(d uint32) []byte {
			return traf(tfhd(tfhdBaseIsMoof, 1), trun(trunOffset, 1, d))
		})},
		{name: "size by default of tfhd", data: one(in, func(d uint32) []byte {
			return traf(tfhd(tfhdBaseIsMoof|tfhdSize|tfhdFlags, 1, k, syncFlags), trun(trunOffset, 1, d))
		})},
		{name: "first sample flags", data: file(in, func(d uint32) []byte {
			return traf(tfhd(tfhdBaseIsMoof, 1), trun(trunOffset|trunFirstFlags|trunSize, 2, d, syncFlags, k, n))
		}, key, next)},
		{name: "flags of each sample", data: file(in, func(d uint32) []byte {
			return traf(tfhd(tfhdBaseIsMoof, 1), trun(trunOffset|trunSize|trunFlags, 2, d, n, nonSyncFlags, k, syncFlags))
		}, next, key)},
		{name: "base data offset", data: one(in, func(d uint32) []byte {
			return traf(tfhd(tfhdBaseOffset|tfhdFlags, 1, uint64(uint32(len(in))+d), syncFlags), trun(trunSize, 1, k))
		})},
		{name: "base data offset and data offset", data: one(in, func(d uint32) []byte {
			return traf(tfhd(tfhdBaseOffset|tfhdFlags, 1, uint64(uint32(len(in))+d+100), syncFlags), trun(trunOffset|trunSize, 1, ^uint32(99), k))
		})},
		{name: "no base, no offset", data: one(in, func(uint32) []byte {
			return traf(tfhd(tfhdFlags, 1, syncFlags), trun(trunSize, 1, k))
		})},
		{name: "no base, behind another track", data: file(in, func(d uint32) []byte {
			return cat(other(d), traf(tfhd(tfhdFlags, 1, syncFlags), trun(trunSize, 1, k)))
		}, next, key)},
		{name: "several runs", data: file(in, func(d uint32) []byte {
			return traf(tfhd(tfhdBaseIsMoof, 1), trun(trunOffset|trunSize, 1, d, n), trun(trunSize|trunFlags, 1, k, syncFlags))
		}, next, key)},
		{name: "several fragments of the track", data: file(in, func(d uint32) []byte {
			return cat(traf(tfhd(tfhdBaseIsMoof, 1), trun(trunOffset|trunSize, 1, d, n)),
				traf(tfhd(tfhdBaseIsMoof, 1), trun(trunOffset|trunSize|trunFlags, 1, d+n, k, syncFlags)))
		}, next, key)},
		{name: "no sync sample in the first moof", data: cat(file(in, func(d uint32) []byte {
			return traf(tfhd(tfhdBaseIsMoof, 1), trun(trunOffset|trunSize, 1, d, n))
		}, next), bx("emsg"), bx("prft"), file(nil, clear, key))},
		{name: "no sync sample at all", data: file(in, func(d uint32) []byte {
			return traf(tfhd(tfhdBaseIsMoof, 1), trun(trunOffset|trunSize, 2, d, n, k))
		}, next, key)},
		{name: "sync sample that is none", data: file(in, func(d uint32) []byte {
			return traf(tfhd(tfhdBaseIsMoof|tfhdFlags, 1, syncFlags), trun(trunOffset|trunSize, 2, d, n, k))
		}, next, key)},
		{name: "encv, fragment in the clear", data: one(fragmentedInit(protected, 1, 0, 0), clear)},
		{name: "encv", data: one(fragmentedInit(protected, 1, 0, 0), func(d uint32) []byte {
			return traf(tfhd(tfhdBaseIsMoof, 1), trun(trunOffset|trunSize, 1, d, k), bx("senc", list(1)))
		}), want: keyframe.ErrUnsupported, text: "encrypted (cenc)"},
		{name: "clear description of a protected track", data: one(
			cat(bx("moov", trak(1, "vide", stsd(protected, avc1)), bx("mvex"))), func(d uint32) []byte {
				return traf(tfhd(tfhdBaseIsMoof|tfhdDescription, 1, uint32(2)), trun(trunOffset|trunSize, 1, d, k), bx("senc", list(1)))
			})},
		{name: "other tracks only", data: file(in, other, next), want: keyframe.ErrNotFound, text: "only of track 9"},
		{name: "no init segment", data: file(nil, clear, key), want: keyframe.ErrCorrupt, text: "init segment"},
		{name: "no tfhd", data: file(in, func(uint32) []byte { return traf() }), want: keyframe.ErrCorrupt, text: "tfhd"},
		{name: "short tfhd", data: file(in, func(uint32) []byte { return traf(bx("tfhd", zeros(6))) }), want: keyframe.ErrCorrupt, text: "tfhd"},
		{name: "run of 4 billion samples", data: file(in, func(d uint32) []byte {
			return traf(tfhd(tfhdBaseIsMoof, 1), trun(trunSize, farAway, k))
		}), want: keyframe.ErrCorrupt, text: "trun"},
		{name: "run of 4 billion samples of nothing", data: file(in, func(d uint32) []byte {
			return traf(tfhd(tfhdBaseIsMoof|tfhdSize, 1, k), trun(0, farAway))
		}), want: keyframe.ErrCorrupt, text: "trun"},
		{name: "runs of samples of nothing without end", data: file(in, func(d uint32) []byte {
			return traf(tfhd(tfhdBaseIsMoof, 1), trun(0, 1<<16), trun(0, 1))
		}), want: keyframe.ErrCorrupt, text: "trun"},
		{name: "moof of 4 GB", data: cat(in, farAway, "moof", zeros(100)), want: keyframe.ErrCorrupt, text: "4294967295 bytes"},
		{name: "cut in the sample", data: func() []byte { b := one(in, clear); return b[:len(b)-3] }(), want: keyframe.ErrCorrupt, text: "3 bytes of it are missing"},
	}
}

func TestFragments(t *testing.T) {
	checkFiles(t, fragmentCases(t))
}

// TestFragmentsOfNothing proves that the number of samples without bytes is
// bounded, whatever the call.
func TestFragmentsOfNothing(t *testing.T) {
	c := tinyClip(t)
	in := fragmentedInit(visual("avc1", c.avcC(4)), 1, 0, nonSyncFlags)
	moof := bx("moof", bx("traf", tfhd(tfhdBaseIsMoof, 1), trun(0, 1<<16)))
	data := cat(in, bytes.Repeat(moof, 65))
	m := fmp4.NewMovie(bytes.NewReader(data), int64(len(data)), nil)
	_, first := m.Keyframe()
	_, at := m.KeyframeAt(time.Hour)
	for _, err := range []error{first, at} {
		if !errors.Is(err, keyframe.ErrCorrupt) || !strings.Contains(err.Error(), "4194304 samples") {
			t.Error(err)
		}
	}
}

// TestTimes covers tfdt with 32 and 64 bits, composition offsets of both signs,
// and fragments without tfdt, which continue after the previous one.
func TestTimes(t *testing.T) {
	c := tinyClip(t)
	key := c.sample(0, 4)
	size := uint32(len(key))
	in := fragmentedInit(visual("avc1", c.avcC(4)), 25, 0, syncFlags)
	fragment := func(tfdt []byte, composition uint32) []byte {
		moof := func(data uint32) []byte {
			return bx("moof", bx("traf", tfhd(tfhdBaseIsMoof, 1), tfdt,
				trun(trunOffset|trunSize|trunCompositions, 1, data, size, composition)))
		}
		return cat(moof(uint32(len(moof(0))+8)), bx("mdat", key))
	}
	data := cat(in,
		fragment(nil, 0),
		fragment(bx("tfdt", uint32(0), uint32(250)), 50),
		fragment(nil, ^uint32(24)), // -25
		fragment(bx("tfdt", uint32(1<<24), uint64(25*3600*24*365)), 0),
		fragment(bx("tfdt", uint32(1<<24), ^uint64(0)), 0))
	m := fmp4.NewMovie(bytes.NewReader(data), int64(len(data)), nil)
	for i, want := range []time.Duration{0, 12 * time.Second, 10 * time.Second, 365 * 24 * time.Hour, keyframe.NoPTS} {
		f, err := m.Keyframe()
		if err != nil || f.PTS != want {
			t.Errorf("fragment %d: %v, %v, not %v", i, f, err, want)
		}
	}
	if len(m.Init().Tracks) != 1 {
		t.Error("no Init")
	}
}

// TestRefreshGap proves that skipped pictures of a gradual refresh do not count
// as received. The index marks only the first pictures of two refreshes as
// sync.
func TestRefreshGap(t *testing.T) {
	data := read(t, recipe(t, "refresh.mp4"))
	mdat := bytes.Index(data, []byte("mdat"))
	idr := bytes.Index(data[mdat:], []byte{0x65, 0x88})
	data[mdat+idr] = 0x6c // a reserved NAL unit type
	for _, kind := range []string{"moov", "trak", "mdia", "minf", "stbl", "stss"} {
		size := data[bytes.LastIndex(data, []byte(kind))-4:]
		binary.BigEndian.PutUint32(size, binary.BigEndian.Uint32(size)+4)
	}
	at := bytes.LastIndex(data, []byte("stss")) + 4
	data = cat(data[:at], list(2, 26, 51), data[at+12:])
	f, err := fmp4.NewMovie(bytes.NewReader(data), -1, nil).Keyframe()
	if err != nil || f.Kind != keyframe.GradualRefresh || f.Pictures < 20 {
		t.Fatalf("%+v, %v", f, err)
	}
}
