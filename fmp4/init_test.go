package fmp4_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

func TestParseInit(t *testing.T) {
	in, err := fmp4.ParseInit(read(t, recipe(t, "anamorphic.mp4")))
	if err != nil {
		t.Fatal(err)
	}
	v, err := in.Video()
	if err != nil {
		t.Fatal(err)
	}
	if v.ID != 1 || v.Codec != keyframe.H264 || v.SampleEntry != "avc1" || v.NALLengthSize != 4 || len(v.ParameterSets) != 2 ||
		v.Encryption != nil || v.Timescale != 12800 || v.Rotation != 0 || v.Mirrored {
		t.Errorf("%+v", v)
	}
	if i := v.Info; i.Width != 720 || i.Height != 576 || i.SARNum != 16 || i.SARDen != 11 {
		t.Errorf("%+v", i)
	}
}

func TestEncryption(t *testing.T) {
	c := tinyClip(t)
	kid, iv := bytes.Repeat([]byte{7}, 16), bytes.Repeat([]byte{9}, 8)
	in, err := fmp4.ParseInit(fragmentedInit(visual("encv", c.avcC(4), bx("sinf", bx("frma", "avc1"), bx("schm", uint32(0), "cbcs", uint32(1)),
		bx("schi", bx("tenc", uint32(1<<24), uint8(0), uint8(0x19), uint8(1), uint8(0), kid, uint8(8), iv)))), 1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	v, err := in.Video()
	if err != nil {
		t.Fatal(err)
	}
	e := v.Encryption
	if v.SampleEntry != "avc1" || e == nil || e.Scheme != "cbcs" || !bytes.Equal(e.KID[:], kid) || !bytes.Equal(e.ConstantIV, iv) ||
		e.PerSampleIVSize != 0 || e.CryptBlocks != 1 || e.SkipBlocks != 9 {
		t.Errorf("%+v of %s", e, v.SampleEntry)
	}
}

// TestFromContainer proves that SAR and colour come from the sample entry if
// the SPS has none, also in the frame.
func TestFromContainer(t *testing.T) {
	c := tinyClip(t)
	entry := visual("avc1", c.avcC(4), bx("pasp", uint32(4), uint32(3)), bx("colr", "nclx", uint16(1), uint16(13), uint16(6), uint8(0x80)))
	key := c.sample(0, 4)
	data := mdatFirst(bx("moov", trak(1, "vide", stsd(entry), tables(16, key))), key)
	m := fmp4.NewMovie(bytes.NewReader(data), -1, nil)
	f, err := m.Keyframe()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []keyframe.Info{m.Init().Tracks[0].Info, f.Info} {
		if i.Primaries != 1 || i.Transfer != 13 || i.Matrix != 6 || !i.FullRange || i.SARNum*3 != i.SARDen*4 && i.SARNum != 1 {
			t.Errorf("%+v", i)
		}
	}
}

// TestOrientation checks the rotation for different matrices of a track.
func TestOrientation(t *testing.T) {
	c := tinyClip(t)
	data := bx("moov", trak(1, "vide", stsd(visual("avc1", c.avcC(4)))))
	const one, minus = uint32(0x10000), ^uint32(0xffff)
	at := bytes.Index(data, []byte("tkhd")) + 44
	for _, x := range []struct {
		a, b, c, d uint32
		rotation   int
		mirrored   bool
	}{
		{one, 0, 0, one, 0, false},
		{0, one, minus, 0, 90, false},
		{minus, 0, 0, minus, 180, false},
		{0, minus, one, 0, 270, false},
		{minus, 0, 0, one, 0, true},
		{0, one, one, 0, 270, true},
		{0, 0, 0, 0, 0, false},
	} {
		copy(data[at:], cat(x.a, x.b, zeros(4), x.c, x.d))
		in, err := fmp4.ParseInit(data)
		if err != nil {
			t.Fatal(err)
		}
		if v := in.Tracks[0]; v.Rotation != x.rotation || v.Mirrored != x.mirrored || v.Info.Rotation != x.rotation || v.Info.Mirrored != x.mirrored {
			t.Errorf("%+v: %d, %v; %+v", x, v.Rotation, v.Mirrored, v.Info)
		}
	}
}

func TestVideoErrors(t *testing.T) {
	for _, c := range progressiveCases(t) {
		in, err := fmp4.ParseInit(c.data)
		if err != nil {
			continue
		}
		if _, err := in.Video(); err != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestList proves that the tracks agree with ffprobe's streams.
func TestList(t *testing.T) {
	paths := []string{recipe(t, "faststart.mp4"), recipe(t, "h265.mp4"), recipe(t, "audio.mp4"), recipe(t, "fragmented.mp4")}
	files, err := testmedia.Corpus("mp4", "fmp4") // none without a corpus
	if err != nil {
		t.Fatal(err)
	}
	named := []string{"sample_av1.mp4", "offline_vp9.mp4", "cbcsdec.mp4", "seq_h264_1.mp4", "hlg10-color-test.mp4"}
	for _, f := range files {
		if slices.Contains(named, filepath.Base(f.Name)) {
			paths = append(paths, f.Path)
		}
	}
	for _, path := range paths {
		in, err := fmp4.ParseInit(read(t, path))
		if err != nil {
			t.Fatal(path, err)
		}
		compareWithProbe(t, path, in.List())
	}
}

func compareWithProbe(t *testing.T, path string, list []keyframe.Track) {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "quiet", "-show_streams", "-print_format", "json", path).Output()
	if err != nil {
		t.Skip("needs ffprobe: make deps")
	}
	var p struct {
		Streams []struct {
			CodecName  string `json:"codec_name"`
			CodecType  string `json:"codec_type"`
			SampleRate string `json:"sample_rate"`
			Channels   int
			Tags       struct{ Language string }
		}
	}
	if err := json.Unmarshal(out, &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Streams) != len(list) {
		t.Fatalf("%s: %d tracks, ffprobe has %d", path, len(list), len(p.Streams))
	}
	for i, s := range p.Streams {
		rate, _ := strconv.Atoi(s.SampleRate)
		want := keyframe.Track{
			ID: list[i].ID, Type: s.CodecType, Codec: s.CodecName, Language: s.Tags.Language, SampleRate: rate, Channels: s.Channels,
		}
		if list[i] != want {
			t.Errorf("%s: %+v, ffprobe has %+v", path, list[i], want)
		}
	}
}

func TestParseInitErrors(t *testing.T) {
	whole := read(t, recipe(t, "faststart.mp4"))
	for _, data := range [][]byte{nil, []byte("<html>"), whole[:200], bytes.Repeat([]byte{0}, 100), []byte("#EXTM3U\n#EXT-X-VERSION:7\n")} {
		if _, err := fmp4.ParseInit(data); !errors.Is(err, keyframe.ErrCorrupt) {
			t.Errorf("%.20q: %v", data, err)
		}
	}
}
