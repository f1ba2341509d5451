package decode_test

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

func needToneMapping(t *testing.T) {
	t.Helper()
	if can, err := new(decode.Decoder).ToneMaps(context.Background()); err != nil || !can {
		t.Skip("needs an ffmpeg with zscale and tonemap: ", err)
	}
}

// TestSDR decodes a BT.709 picture that was converted to wide colours or HDR.
// It must come out nearly unchanged; HDR leaves room for brighter parts, so it
// is less exact.
func TestSDR(t *testing.T) {
	needToneMapping(t)
	original, err := os.ReadFile(testmedia.Make(t, "testsrc2.rgb"))
	if err != nil {
		t.Fatal(err)
	}
	original = original[:640*360*3]
	for _, c := range []struct {
		name      string
		hdr       bool
		psnr      float64
		untouched float64 // the PSNR without conversion, at most
	}{
		{"pq.265", true, 18, 13},
		{"hlg.265", true, 18, 14},
		{"unnamed.265", true, 18, 13},
		{"bt2020.265", false, 24, 19}, // with subsampled chroma
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := stream(t, c.name, keyframe.H265)[0]
			if f.Info.HDR() != c.hdr {
				t.Errorf("%+v", f.Info)
			}
			if got := psnr(decodeTo(t, f, decode.Output{Format: decode.RGB24}), original); got < c.psnr {
				t.Errorf("PSNR %.1f dB", got)
			}
			if got := psnr(plain(t, f), original); got > c.untouched {
				t.Errorf("PSNR of what is to be mapped: %.1f dB", got)
			}
		})
	}
}

// TestPrimaries checks the primaries of the decoded picture: BT.709's if Decode
// converts to them or the stream signals none, else the stream's.
func TestPrimaries(t *testing.T) {
	for _, c := range []struct {
		info keyframe.Info
		want int
	}{
		{keyframe.Info{}, 1},
		{keyframe.Info{Primaries: keyframe.Unspecified, Matrix: 6}, 1},
		{keyframe.Info{Primaries: 1, Matrix: 1}, 1},
		{keyframe.Info{Primaries: 5, Matrix: 5}, 5},
		{keyframe.Info{Primaries: 6, Matrix: 6}, 6},
		{keyframe.Info{Primaries: 9, Matrix: 9}, 1},
		{keyframe.Info{Primaries: 12, Matrix: 1}, 1},
		{keyframe.Info{Primaries: 9, Matrix: 9, Transfer: 16}, 1},
		{keyframe.Info{Primaries: 9, Matrix: 0, ChromaFormat: 3}, 1},
		{keyframe.Info{Primaries: 5, Matrix: 8}, 5},
	} {
		if got := (decode.Output{}).Primaries(c.info); got != c.want {
			t.Errorf("%+v: %d, want %d", c.info, got, c.want)
		}
	}
	for name, codec := range map[string]keyframe.Codec{"bt601.264": keyframe.H264, "bt709.264": keyframe.H264, "pq.265": keyframe.H265} {
		data := decodeTo(t, stream(t, name, codec)[0], decode.Output{Format: decode.PNG, Width: 32})
		for _, chunk := range []string{"gAMA", "cHRM", "sRGB", "iCCP", "cICP"} {
			if bytes.Contains(data, []byte(chunk)) {
				t.Errorf("%s: the PNG has %s", name, chunk)
			}
		}
	}
}

// TestToneMapping proves that a tone-mapped picture equals that of ffmpeg's
// filters, in all formats and odd sizes.
func TestToneMapping(t *testing.T) {
	needToneMapping(t)
	f := stream(t, "pq.265", keyframe.H265)[0]
	const filters = "scale=321:181,format=yuv444p10,zscale=t=linear:npl=203,format=gbrpf32,zscale=p=bt709,tonemap=mobius:peak=5:desat=0,zscale=t=bt709:m=bt709:r=limited,format=yuv444p"
	want := ffmpeg(t, f.Data, "-f", "hevc", "-i", "pipe:0", "-vf", filters, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1")
	for format, least := range map[decode.Format]float64{decode.RGB24: 99, decode.PNG: 99, decode.JPEG: 25, decode.WebP: 25} {
		b := decodeTo(t, f, decode.Output{Format: format, Width: 321, Height: 181, Quality: 100})
		if format != decode.RGB24 {
			b = shown(t, b, format)
		}
		if got := psnr(b, want); got < least {
			t.Errorf("%v: PSNR %.1f dB", format, got)
		}
	}
}

// TestNoToneMapping proves that an ffmpeg without these filters decodes the
// picture as it is coded.
func TestNoToneMapping(t *testing.T) {
	f := stream(t, "pq.265", keyframe.H265)[0]
	d := script(t, `case "$*" in *zscale=*) echo "[AVFilterGraph @ 0x1] [error] No such filter: 'zscale'" >&2; exit 1;; esac
ffmpeg "$@" | grep -v ' zscale '`)
	if can, err := d.ToneMaps(context.Background()); can || err != nil {
		t.Errorf("%v, %v", can, err)
	}
	d = script(t, `case "$*" in *zscale=*) echo "[AVFilterGraph @ 0x1] [error] No such filter: 'zscale'" >&2; exit 1;; esac
exec ffmpeg "$@"`)
	var one, row bytes.Buffer
	o := decode.Output{Format: decode.RGB24}
	if err := d.Decode(context.Background(), &one, f, o); err != nil {
		t.Fatal(err)
	}
	s := &decode.Sequence{Codec: f.Codec, Info: f.Info, Data: [][]byte{f.Data}, Show: []int{0}}
	if err := d.DecodeSequence(context.Background(), &row, s, o); err != nil {
		t.Fatal(err)
	}
	if want := plain(t, f); !bytes.Equal(one.Bytes(), want) || !bytes.Equal(row.Bytes(), want) {
		t.Errorf("PSNR %.1f and %.1f dB", psnr(one.Bytes(), want), psnr(row.Bytes(), want))
	}
}
