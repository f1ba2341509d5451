package fmp4_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// hevcClip returns an H.265 keyframe, the same as a sample, and its hvcC box.
func hevcClip(tb testing.TB) (f *keyframe.Frame, sample, hvcC []byte) {
	tb.Helper()
	f = firstOf(tb, keyframe.H265, "h265.265")
	file, err := fmp4.Mux(f)
	if err != nil {
		tb.Fatal(err)
	}
	box := func(kind string) []byte {
		at := bytes.Index(file, []byte(kind)) - 4
		return file[at:][:binary.BigEndian.Uint32(file[at:])]
	}
	return f, box("mdat")[8:], box("hvcC")
}

// oneSample makes a file of one track and one sample.
func oneSample(entry, sample []byte) []byte {
	return mdatFirst(bx("moov", trak(1, "vide", stsd(entry), tables(16, sample))), sample)
}

func firstKeyframe(file []byte) (*keyframe.Frame, error) {
	return fmp4.NewMovie(bytes.NewReader(file), int64(len(file)), nil).Keyframe()
}

// esds makes an ES descriptor with a decoder configuration (ISO/IEC 14496-1 7.2.6.5).
func esds(objectType uint8, config []byte) []byte {
	descriptor := func(tag uint8, parts ...any) []byte {
		body := cat(parts...)
		return cat(tag, uint8(0x80), uint8(0x80), uint8(0x80), uint8(len(body)), body)
	}
	return bx("esds", uint32(0), descriptor(3, uint16(1), uint8(0),
		descriptor(4, objectType, uint8(0x11), zeros(11), descriptor(5, config)), descriptor(6, uint8(2))))
}

// TestSampleEntryNames proves that a sample entry is what its avcC or hvcC box says,
// whatever its name is, and that QuickTime's names do without.
func TestSampleEntryNames(t *testing.T) {
	c := tinyClip(t)
	for _, name := range []string{
		"avc1", "avc2", "avc3", "avc4", "AVC1", "H264", "h264", "X264", "x264", "DAVC", "xalg", "rv64", "ai12", "ai1q", "ai5p", "ai5q", "ai55",
		"dvav", "dva1", "hvc1", "mp4v", "zzzz", "\x00\x00\x00\x21", "encv",
	} {
		f, err := firstKeyframe(oneSample(visual(name, c.avcC(4)), c.sample(0, 4)))
		if err != nil || f.Codec != keyframe.H264 || !bytes.Equal(f.Data, c.key) {
			t.Errorf("%q with avcC: %v", name, err)
		}
	}

	hevc, sample, hvcC := hevcClip(t)
	for _, name := range []string{"hvc1", "hev1", "hvc2", "hev2", "HEVC", "hevc", "H265", "h265", "avc1", "zzzz"} {
		f, err := firstKeyframe(oneSample(visual(name, hvcC), sample))
		if err != nil || f.Codec != keyframe.H265 || !bytes.Equal(f.Data, hevc.Data) {
			t.Errorf("%q with hvcC: %v", name, err)
		}
	}

	whole := cat(uint32(len(c.sps)), c.sps, uint32(len(c.pps)), c.pps, c.sample(0, 4))
	record := c.avcC(4)[8:]
	both := cat(bx("hvcC", zeros(40)), c.avcC(4))
	for what, file := range map[string][]byte{
		"h264 alone":           oneSample(visual("h264"), whole),
		"ai12 alone":           oneSample(visual("ai12"), whole),
		"H264 of start codes":  oneSample(visual("H264"), c.key),
		"mp4v of 0x21":         oneSample(visual("mp4v", esds(0x21, record)), c.sample(0, 4)),
		"mp4v of start codes":  oneSample(visual("mp4v", esds(0x21, c.key[:len(c.key)-len(c.pictures[0])-4])), c.sample(0, 4)),
		"avcC and hvcC":        oneSample(visual("avc1", both), c.sample(0, 4)),
		"avcC twice":           oneSample(visual("avc1", c.avcC(4), bx("avcC", zeros(20))), c.sample(0, 4)),
		"second of two tracks": mdatFirst(bx("moov", trak(1, "vide", stsd(visual("jpeg")), tables(16, whole)), trak(2, "vide", stsd(visual("X264", c.avcC(4))), tables(16, c.sample(0, 4)))), c.sample(0, 4)),
	} {
		if f, err := firstKeyframe(file); err != nil || !bytes.Equal(f.Data, c.key) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestPacking proves that the content of a sample shows how its NAL units are separated,
// whatever avcC declares.
func TestPacking(t *testing.T) {
	c := tinyClip(t)
	aud := []byte{9, 0x10}
	units := [][]byte{aud, c.sps, c.pps, c.pictures[0]}
	cut := func(size int) (sample []byte) {
		for _, nalu := range units {
			sample = append(sample, binary.BigEndian.AppendUint32(nil, uint32(len(nalu)))[4-size:]...)
			sample = append(sample, nalu...)
		}
		return sample
	}
	join := func(code ...byte) (sample []byte) {
		for _, nalu := range units {
			sample = append(append(sample, code...), nalu...)
		}
		return sample
	}
	samples := map[string][]byte{
		"lengths of 4": cut(4), "lengths of 3": cut(3), "lengths of 2": cut(2), "lengths of 1": cut(1),
		"start codes": join(0, 0, 0, 1), "short start codes": join(0, 0, 1), "zeros and start codes": join(0, 0, 0, 0, 0, 0, 1),
		"one of 4 alone": c.sample(0, 4), "one of 2 alone": c.sample(0, 2),
	}
	empty := bx("avcC", uint8(1), c.sps[1:4], uint8(0xff), uint8(0xe0), uint8(0))
	garbage := bx("avcC", uint8(1), c.sps[1:4], uint8(0xff), uint8(0xe1), uint16(5), []byte{0x67, 0xff, 0xff, 0xff, 0xff}, uint8(1), uint16(3), []byte{0x68, 0, 0})
	wrong := slices.Clone(c.avcC(4))
	copy(wrong[bytes.Index(wrong, c.sps)+4:], "\xff\xff\xff") // seq_parameter_set_id and on
	for name, entry := range map[string][]byte{
		"lengths of 4": c.avcC(4), "lengths of 3": c.avcC(3), "lengths of 2": c.avcC(2), "lengths of 1": c.avcC(1),
		"a byte stream": bx("avcC", c.key[:len(c.key)-len(c.pictures[0])-4]),
		"nothing":       bx("avcC"), "no sets": empty, "garbage": garbage, "wrong sets": wrong,
	} {
		for what, sample := range samples {
			inBand := !strings.HasSuffix(what, "alone")
			if !inBand && !strings.HasPrefix(name, "lengths") && name != "a byte stream" {
				continue
			}
			f, err := firstKeyframe(oneSample(visual("avc3", entry), sample))
			if err != nil || !bytes.Equal(f.Data, c.key) {
				t.Errorf("avcC of %s, sample of %s: %v", name, what, err)
			}
		}
	}

	hevc, sample, hvcC := hevcClip(t)
	hvcC = slices.Clone(hvcC)
	hvcC[8+21] &^= 3 // lengthSizeMinusOne
	for what, file := range map[string][]byte{
		"hvcC of another size":   oneSample(visual("hev1", hvcC), sample),
		"hvcC and start codes":   oneSample(visual("hvc1", hvcC), hevc.Data),
		"hvcC with start codes":  oneSample(visual("hvc1", bx("hvcC", hevc.Data[:bytes.Index(hevc.Data, sample[4:12])-4])), sample),
		"empty hvcC, everything": oneSample(visual("hev1", bx("hvcC")), hevc.Data),
	} {
		if f, err := firstKeyframe(file); err != nil || !bytes.Equal(f.Data, hevc.Data) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestUnresolved proves that a sync sample whose parameter sets are missing or damaged is
// no keyframe.
func TestUnresolved(t *testing.T) {
	c := tinyClip(t)
	for name, entry := range map[string][]byte{
		"no avcC":    visual("avc1"),
		"no sets":    visual("avc3", bx("avcC", uint8(1), c.sps[1:4], uint8(0xff), uint8(0xe0), uint8(0))),
		"only SPS":   visual("avc1", bx("avcC", uint8(1), c.sps[1:4], uint8(0xff), uint8(0xe1), uint16(len(c.sps)), c.sps, uint8(0))),
		"SPS cut":    visual("avc1", bx("avcC", uint8(1), c.sps[1:4], uint8(0xff), uint8(0xe1), uint16(5), c.sps[:5], uint8(1), uint16(len(c.pps)), c.pps)),
		"other PPS":  visual("avc1", bx("avcC", uint8(1), c.sps[1:4], uint8(0xff), uint8(0xe1), uint16(len(c.sps)), c.sps, uint8(1), uint16(3), []byte{0x68, 0x42, 0x80})),
		"cut record": visual("avc1", c.avcC(4)[:20]),
	} {
		if f, err := firstKeyframe(oneSample(entry, c.sample(0, 4))); f != nil || !errors.Is(err, keyframe.ErrNotFound) {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
}

// dovi makes a DOVIDecoderConfigurationRecord.
func dovi(kind string, profile, flags, compatibility uint8) []byte {
	return bx(kind, uint8(1), uint8(0), profile<<1, 6<<3|flags, compatibility<<4, zeros(19))
}

// TestDolbyVision proves that profiles whose base layer has colours of its own are
// refused by name, and all others read.
func TestDolbyVision(t *testing.T) {
	_, sample, hvcC := hevcClip(t)
	c := tinyClip(t)
	const rpuAndBase, rpuAndEnhancement = 5, 6
	for _, tt := range []struct {
		name   string
		config []byte
		text   string // of the error; "": a picture
	}{
		{"dvh1", dovi("dvcC", 5, rpuAndBase, 0), "Dolby Vision profile 5"},
		{"dvhe", dovi("dvcC", 5, rpuAndBase, 0), "Dolby Vision profile 5"},
		{"hvc1", dovi("dvcC", 5, rpuAndBase, 0), "Dolby Vision profile 5"},
		{"hev1", dovi("dvcC", 3, rpuAndBase, 0), "Dolby Vision profile 3"},
		{"hvc1", dovi("dvwC", 20, rpuAndBase, 0), "Dolby Vision profile 20"},
		{"dvhe", dovi("dvcC", 7, rpuAndEnhancement, 6), "enhancement layer alone"},
		{"dvh1", nil, "Dolby Vision (dvh1)"},
		{"dvhe", dovi("dvcC", 4, rpuAndBase, 2), ""},
		{"hvc1", dovi("dvcC", 7, rpuAndBase|2, 6), ""},
		{"hvc1", dovi("dvcC", 7, rpuAndBase|2, 0), ""},
		{"hvc1", dovi("dvvC", 8, rpuAndBase, 1), ""},
		{"dvh1", dovi("dvvC", 8, rpuAndBase, 2), ""},
		{"hvc1", dovi("dvvC", 8, rpuAndBase, 4), ""},
		{"hvc1", dovi("dvwC", 20, rpuAndBase, 4), ""},
		{"hvc1", bx("dvcC", zeros(2)), ""},
		{"hvc1", nil, ""},
	} {
		_, err := firstKeyframe(oneSample(visual(tt.name, hvcC, tt.config), sample))
		checkRefusal(t, tt.name+" with "+tt.text, err, tt.text)
	}
	for _, tt := range []struct {
		name   string
		config []byte
		text   string
	}{
		{"dvav", dovi("dvvC", 9, rpuAndBase, 2), ""},
		{"dva1", dovi("dvcC", 0, rpuAndBase, 2), ""},
		{"avc1", dovi("dvcC", 1, rpuAndBase, 0), "Dolby Vision profile 1"},
		{"dvav", nil, ""},
	} {
		_, err := firstKeyframe(oneSample(visual(tt.name, c.avcC(4), tt.config), c.sample(0, 4)))
		checkRefusal(t, tt.name+" with "+tt.text, err, tt.text)
	}
}

func checkRefusal(t *testing.T, name string, err error, text string) {
	t.Helper()
	switch {
	case text == "" && err != nil:
		t.Errorf("%s: %v", name, err)
	case text != "" && (!errors.Is(err, keyframe.ErrUnsupported) || !strings.Contains(err.Error(), text)):
		t.Errorf("%s: %v", name, err)
	}
}

// TestVideoTracks proves that the next video track is read if the first has nothing to
// show.
func TestVideoTracks(t *testing.T) {
	c := tinyClip(t)
	_, hevcSample, hvcC := hevcClip(t)
	key, next := c.sample(0, 4), c.sample(1, 4)
	good := trak(2, "vide", stsd(visual("avc1", c.avcC(4))), tables(16, key))
	encrypted := trak(1, "vide", stsd(visual("encv", c.avcC(4), bx("sinf", bx("frma", "avc1"), bx("schm", uint32(0), "cbcs", uint32(1)),
		bx("schi", bx("tenc", uint32(0), uint16(0), uint8(1), uint8(8), zeros(16)))))), tables(16, key), bx("senc", zeros(8)))
	disabled := trak(1, "vide", stsd(visual("hvc1", hvcC)), tables(16+uint32(len(key)), hevcSample))
	disabled[8+8+3] &^= 1 // track_enabled
	for name, first := range map[string][]byte{
		"empty":          trak(1, "vide", stsd(visual("avc1", c.avcC(4)))),
		"empty H.265":    trak(1, "vide", stsd(visual("hvc1", hvcC)), tables(16)),
		"without key":    trak(1, "vide", stsd(visual("avc1", c.avcC(4))), tables(16+uint32(len(key)+len(hevcSample)), next)),
		"AV1":            trak(1, "vide", stsd(visual("av01")), tables(16, key)),
		"cover":          trak(1, "vide", stsd(visual("jpeg")), tables(16, key)),
		"encrypted":      encrypted,
		"Dolby Vision 5": trak(1, "vide", stsd(visual("dvh1", hvcC, dovi("dvcC", 5, 5, 0))), tables(16, key)),
		"enhancement":    trak(1, "vide", stsd(visual("dvhe", hvcC, dovi("dvcC", 7, 6, 6))), tables(16, key)),
		"no sets":        trak(1, "vide", stsd(visual("avc1")), tables(16, key)),
		"disabled":       disabled,
		"depth":          trak(1, "auxv", stsd(visual("hvc1", hvcC)), tables(16+uint32(len(key)), hevcSample)),
		"three of them":  cat(encrypted, disabled, trak(1, "vide", stsd(visual("avc1"))), encrypted, encrypted),
	} {
		file := mdatFirst(bx("moov", first, good), key, hevcSample, next)
		f, err := firstKeyframe(file)
		if err != nil || !bytes.Equal(f.Data, c.key) {
			t.Errorf("%s: %v", name, err)
		}
		if f, err = movie(file, nil).KeyframeAt(0); err != nil || !bytes.Equal(f.Data, c.key) {
			t.Errorf("%s, by time: %v", name, err)
		}
		if list := everyPicture(t, nil, file); len(list) == 0 && name != "without key" && name != "no sets" {
			t.Errorf("%s: no picture", name)
		}
	}

	file := mdatFirst(bx("moov", bytes.Repeat(encrypted, 9), good), key)
	if _, err := firstKeyframe(file); !errors.Is(err, keyframe.ErrUnsupported) || !strings.Contains(err.Error(), "encrypted (cbcs)") {
		t.Error(err)
	}
}

// clipOf encodes pictures of 32x32 with one slice each.
func clipOf(t *testing.T, options ...string) *clip {
	t.Helper()
	args := []string{"-f", "lavfi", "-i", "testsrc2=size=32x32:rate=25", "-frames:v", "10", "-c:v", "libx264", "-g", "5", "-bf", "0", "-pix_fmt", "yuv420p"}
	c := &clip{}
	for nalu := range keyframe.AnnexB(ffmpeg(t, append(append(args, options...), "-f", "h264", "-")...)) {
		switch {
		case keyframe.H264.IsSPS(nalu):
			c.sps = nalu
		case keyframe.H264.IsPPS(nalu):
			c.pps = nalu
		case keyframe.H264.IsSlice(nalu):
			c.pictures = append(c.pictures, nalu)
		}
	}
	return c
}

// TestChangingDescriptions proves that the parameter sets of each sample's own
// description count, and that samples which cannot be read are skipped.
func TestChangingDescriptions(t *testing.T) {
	a, b := clipOf(t, "-coder", "cavlc", "-qp", "30"), clipOf(t, "-coder", "cabac", "-qp", "20", "-profile:v", "main")
	if bytes.Equal(a.pps, b.pps) || a.pps[1] != b.pps[1] && a.pps[1]&0x80 != b.pps[1]&0x80 {
		t.Fatalf("the parameter sets %x and %x have to have the same id", a.pps, b.pps)
	}
	file := func(entries []byte, descriptions ...uint32) []byte {
		var samples [][]byte
		var chunks, offsets, sizes, sync []uint32
		at := uint32(16)
		for i, d := range descriptions {
			offsets, chunks = append(offsets, at), append(chunks, uint32(i+1), 5, d)
			from := []*clip{a, b, a}[d-1]
			for n := range 5 {
				s := from.sample(i%2*5+n, 4)
				samples, sizes, at = append(samples, s), append(sizes, uint32(len(s))), at+uint32(len(s))
			}
			sync = append(sync, uint32(5*i+1))
		}
		n, chunkCount := uint32(len(samples)), uint32(len(descriptions))
		return mdatFirst(bx("moov", trak(1, "vide", entries, bx("stts", list(1, n, 1)), bx("stsc", list(chunkCount, chunks...)),
			bx("stsz", uint32(0), uint32(0), n, cat32(sizes)), bx("stco", list(chunkCount, offsets...)), bx("stss", list(chunkCount, sync...)))), samples...)
	}
	entryA, entryB, cover := visual("avc1", a.avcC(4)), visual("avc1", b.avcC(4)), visual("jpeg")

	whole := file(stsd(entryA, entryB), 1, 2, 1, 1, 2)
	want := testmedia.Hashes(t, bytes.Clone(whole))
	if len(want) != 25 {
		t.Fatalf("ffmpeg decodes %d pictures", len(want))
	}
	var data []byte
	for _, f := range everyPicture(t, nil, whole) {
		data = append(data, f.Data...)
	}
	if got := testmedia.Hashes(t, data, "-f", "h264"); !slices.Equal(got, want) {
		t.Errorf("every picture: %d that differ from ffmpeg's", len(got))
	}
	for i, f := range keyframes(t, whole, nil) {
		if got := testmedia.Hashes(t, f.Data, "-f", "h264"); len(got) != 1 || got[0] != want[5*i] {
			t.Errorf("keyframe %d is not ffmpeg's", i)
		}
	}

	mixed := file(stsd(entryA, entryB, cover), 3, 2, 3, 1)
	list := keyframes(t, mixed, nil)
	if len(list) != 2 || !bytes.HasSuffix(list[0].Data, b.pictures[5]) || !bytes.HasSuffix(list[1].Data, a.pictures[5]) {
		t.Errorf("%d keyframes between those of another codec", len(list))
	}
	none := file(stsd(entryA, entryB, cover), 3, 3)
	if _, err := firstKeyframe(none); !errors.Is(err, keyframe.ErrUnsupported) || !strings.Contains(err.Error(), "jpeg") {
		t.Error(err)
	}
}
