package decode_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/keyframe"
)

// vec3 is a colour or a row of a matrix.
type vec3 [3]float64

func (v vec3) apply(f func(float64) float64) vec3 { return vec3{f(v[0]), f(v[1]), f(v[2])} }

func (v vec3) dot(w vec3) float64 { return v[0]*w[0] + v[1]*w[1] + v[2]*w[2] }

func transform(rows [3]vec3, v vec3) vec3 {
	return vec3{rows[0].dot(v), rows[1].dot(v), rows[2].dot(v)}
}

// chart returns smooth R'G'B' colours of BT.709 from 0.1 to 0.9. Subsampling and coding
// hardly change them.
func chart(x, y int) vec3 {
	wave := func(phase float64) float64 {
		return 0.5 + 0.4*math.Sin(phase+float64(x)/21+float64(y)/33)
	}
	return vec3{wave(0), wave(2), wave(4)}
}

const chartWidth, chartHeight = 160, 96

// chartRGB24 returns the chart as Decode should show it.
func chartRGB24() (rgb []byte) {
	for y := range chartHeight {
		for x := range chartWidth {
			for _, v := range chart(x, y) {
				rgb = append(rgb, byte(math.Round(v*255)))
			}
		}
	}
	return rgb
}

// yCbCr returns luma and colour differences for the weights of red and blue (ISO/IEC
// 23091-2 equations 38 to 40).
func yCbCr(kr, kb float64) func(vec3) vec3 {
	return func(c vec3) vec3 {
		y := c.dot(vec3{kr, 1 - kr - kb, kb})
		return vec3{y, (c[2] - y) / (2 * (1 - kb)), (c[0] - y) / (2 * (1 - kr))}
	}
}

func yCgCo(c vec3) vec3 {
	return vec3{c[1]/2 + (c[0]+c[2])/4, c[1]/2 - (c[0]+c[2])/4, (c[0] - c[2]) / 2}
}

// display is the light of a display for television (ITU-R BT.1886), and undisplay the
// inverse.
func display(v float64) float64   { return math.Pow(max(0, v), 2.4) }
func undisplay(l float64) float64 { return math.Pow(max(0, l), 1/2.4) }

// wideLight converts linear light from the primaries of BT.709 to BT.2020 (ITU-R
// BT.2087).
func wideLight(c vec3) vec3 {
	l := c.apply(display)
	return transform([3]vec3{{0.6274, 0.3293, 0.0433}, {0.0691, 0.9195, 0.0114}, {0.0164, 0.0880, 0.8956}}, l)
}

func wide(c vec3) vec3 { return wideLight(c).apply(undisplay) }

// camera is the transfer function of BT.709 and BT.2020 table 4, and uncamera the
// inverse.
func camera(l float64) float64 {
	if l < 0.018053968510807 {
		return 4.5 * l
	}
	return 1.09929682680944*math.Pow(l, 0.45) - 0.09929682680944
}

func uncamera(v float64) float64 {
	if v < 4.5*0.018053968510807 {
		return v / 4.5
	}
	return math.Pow((v+0.09929682680944)/1.09929682680944, 1/0.45)
}

// constantLuminance is Y'cC'bcC'rc of BT.2020 table 4.
func constantLuminance(c vec3) vec3 {
	w := wide(c)
	y := camera(w.apply(uncamera).dot(vec3{0.2627, 0.6780, 0.0593}))
	scale := func(d, below, above float64) float64 {
		if d < 0 {
			return d / below
		}
		return d / above
	}
	return vec3{y, scale(w[2]-y, 1.9404, 1.5816), scale(w[0]-y, 1.7184, 0.9936)}
}

// standardLight is the light of a display for sRGB (IEC 61966-2-1).
func standardLight(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

// pq is the inverse EOTF of BT.2100 for light where 1 is 203 cd/m².
func pq(l float64) float64 {
	p := math.Pow(l*203/10000, 0.1593017578125)
	return math.Pow((0.8359375+18.8515625*p)/(1+18.6875*p), 78.84375)
}

// ictcp is IC_TC_P of BT.2100 table 7.
func ictcp(c vec3) vec3 {
	lms := transform([3]vec3{{1688, 2146, 262}, {683, 2951, 462}, {99, 309, 3688}}, wideLight(c))
	perceived := vec3{lms[0] / 4096, lms[1] / 4096, lms[2] / 4096}.apply(pq)
	v := transform([3]vec3{{2048, 2048, 0}, {6610, -13613, 7003}, {17933, -17390, -543}}, perceived)
	return vec3{v[0] / 4096, v[1] / 4096, v[2] / 4096}
}

func widePQ(c vec3) vec3 { return wideLight(c).apply(pq) }

// planes quantises what code makes of the chart to 10 bits, limited or full range, in
// the order Y, Cb, Cr, or with rgb of G, B, R.
func planes(code func(vec3) vec3, full, rgb bool) []byte {
	out := make([][]byte, 3)
	for y := range chartHeight {
		for x := range chartWidth {
			v := code(chart(x, y))
			if rgb {
				v = vec3{v[1], v[2], v[0]}
			}
			for n := range out {
				offset, scale := 0.0, 1023.0
				switch signed := n > 0 && !rgb; {
				case full && signed:
					offset = 512
				case full:
				case signed:
					offset, scale = 512, 896
				default:
					offset, scale = 64, 876
				}
				level := max(0, min(1023, math.Round(offset+scale*v[n])))
				out[n] = binary.LittleEndian.AppendUint16(out[n], uint16(level))
			}
		}
	}
	return bytes.Join(out, nil)
}

// codedChart encodes planes and signals colours in the parameter sets.
func codedChart(t *testing.T, encoder string, data []byte, format string, signal keyframe.Info) *keyframe.Frame {
	t.Helper()
	codec, options := keyframe.H264, []string{"-c:v", "libx264", "-qp", "4"}
	if encoder == "libx265" {
		codec, options = keyframe.H265, []string{"-c:v", "libx265", "-x265-params", "log-level=error:qp=4"}
	}
	args := append([]string{"-f", "rawvideo", "-pix_fmt", "yuv444p10le", "-s", fmt.Sprintf("%dx%d", chartWidth, chartHeight), "-i", "pipe:0"}, options...)
	coded := ffmpeg(t, data, append(args, "-preset", "veryfast", "-pix_fmt", format, "-frames:v", "1", "-f", codec.String(), "pipe:1")...)

	var signalled []byte
	for nalu := range keyframe.AnnexB(coded) {
		if codec.IsSPS(nalu) {
			var err error
			if nalu, err = keyframe.WithColour(codec, nalu, signal); err != nil {
				t.Fatal(err)
			}
		}
		signalled = keyframe.AppendNALU(signalled, nalu)
	}
	return frames(signalled, codec)[0]
}

func identity(c vec3) vec3 { return c }

// TestMatrices decodes the chart in every way that ISO/IEC 23091-2 has to code it, and
// compares it with the chart. The equations here are those of the standards; none of
// ffmpeg's conversions takes part in the coding.
func TestMatrices(t *testing.T) {
	needToneMapping(t)
	linear := func(c vec3) vec3 { return c.apply(standardLight) }
	logarithmic := func(decades float64) func(vec3) vec3 {
		return func(c vec3) vec3 {
			return linear(c).apply(func(l float64) float64 { return max(0, 1+math.Log10(l)/decades) })
		}
	}
	then := func(f, g func(vec3) vec3) func(vec3) vec3 { return func(c vec3) vec3 { return g(f(c)) } }

	const unspecified = keyframe.Unspecified
	for _, c := range []struct {
		name                        string
		primaries, transfer, matrix int
		code                        func(vec3) vec3
		psnr                        float64
	}{
		{"BT.709", 1, 1, 1, yCbCr(0.2126, 0.0722), 36},
		{"unspecified", 2, 2, 2, yCbCr(0.299, 0.114), 36},
		{"reserved 3", 3, 3, 3, yCbCr(0.299, 0.114), 36},
		{"reserved 200", 1, 1, 200, yCbCr(0.299, 0.114), 36},
		{"FCC", 1, 1, 4, yCbCr(0.30, 0.11), 36},
		{"BT.470 BG", 5, 1, 5, yCbCr(0.299, 0.114), 36},
		{"SMPTE 170M", 6, 6, 6, yCbCr(0.299, 0.114), 36},
		{"SMPTE 240M", 7, 7, 7, yCbCr(0.212, 0.087), 36},
		{"BT.2020 NCL of unknown primaries", 2, 2, 9, yCbCr(0.2627, 0.0593), 36},
		{"YCgCo", 1, 1, 8, yCgCo, 36},
		{"YCgCo of unknown primaries", unspecified, unspecified, 8, yCgCo, 36},
		{"YCgCo and sRGB", 1, 13, 8, yCgCo, 36},
		{"YCgCo of BT.2020", 9, 14, 8, then(wide, yCgCo), 32},
		{"derived from BT.709", 1, 1, 12, yCbCr(0.2126, 0.0722), 36},
		{"derived from EBU 3213", 22, 1, 12, yCbCr(0.2317, 0.0962), 30},
		{"BT.2020 NCL", 9, 14, 9, then(wide, yCbCr(0.2627, 0.0593)), 32},
		{"BT.2020 CL", 9, 14, 10, constantLuminance, 32},
		{"BT.2020 CL of unknown primaries", 2, 2, 10, constantLuminance, 32},
		{"derived CL", 9, 14, 13, constantLuminance, 32},
		{"PQ labelled CL", 9, 16, 10, then(widePQ, yCbCr(0.2627, 0.0593)), 27},
		{"linear", 1, 8, 1, then(linear, yCbCr(0.2126, 0.0722)), 30},
		{"linear of unknown primaries", 2, 8, 2, then(linear, yCbCr(0.299, 0.114)), 30},
		{"log 100", 1, 9, 1, then(logarithmic(2), yCbCr(0.2126, 0.0722)), 30},
		{"log 316", 1, 10, 1, then(logarithmic(2.5), yCbCr(0.2126, 0.0722)), 30},
		{"RGB", 1, 1, 0, identity, 36},
		{"RGB of unknown primaries", 2, 2, 0, identity, 36},
		{"RGB of BT.2020", 9, 14, 0, wide, 32},
		{"linear RGB", 1, 8, 0, linear, 30},
		{"PQ", 9, 16, 9, then(widePQ, yCbCr(0.2627, 0.0593)), 27},
		{"ICtCp", 9, 16, 14, ictcp, 27},
		{"ICtCp alone", 2, 2, 14, ictcp, 27},
		{"RGB of PQ", 9, 16, 0, widePQ, 27},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			signal := keyframe.Info{Primaries: c.primaries, Transfer: c.transfer, Matrix: c.matrix, FullRange: true}
			rgb := c.matrix == 0
			check := func(encoder, format string) {
				f := codedChart(t, encoder, planes(c.code, signal.FullRange, rgb), format, signal)
				got := psnr(decodeTo(t, f, decode.Output{Format: decode.RGB24}), chartRGB24())
				if got < c.psnr {
					t.Errorf("%s, %s, full range %v: PSNR %.1f dB", encoder, format, signal.FullRange, got)
				}
			}
			check("libx264", "yuv444p10le")
			if !rgb { // ffmpeg takes all RGB for full range
				signal.FullRange = false
				check("libx265", "yuv420p10le")
			}
		})
	}
}

// TestRefusedColours proves that colours which nothing converts are refused by name.
func TestRefusedColours(t *testing.T) {
	data := planes(identity, false, false)
	for _, c := range []struct {
		primaries, transfer, matrix int
		name                        string
	}{
		{1, 1, 11, "smpte2085"},
		{9, 16, 15, "ipt-c2"},
		{1, 1, 16, "ycgco-re"},
		{1, 1, 17, "ycgco-ro"},
		{10, 17, 0, "smpte428"},
		{10, 1, 1, "smpte428"},
		{1, 17, 1, "smpte428"},
	} {
		f := codedChart(t, "libx264", data, "yuv444p10le", keyframe.Info{Primaries: c.primaries, Transfer: c.transfer, Matrix: c.matrix})
		err := new(decode.Decoder).Decode(context.Background(), new(bytes.Buffer), f, decode.Output{})
		if !errors.Is(err, keyframe.ErrUnsupported) || !strings.Contains(err.Error(), c.name) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestNoZscale proves that an ffmpeg without zscale is named if the picture would come
// out with wrong colours.
func TestNoZscale(t *testing.T) {
	d := script(t, `case "$*" in *zscale=*) echo "[AVFilterGraph @ 0x1] [error] No such filter: 'zscale'" >&2; exit 1;; esac
exec ffmpeg "$@"`)
	f := codedChart(t, "libx264", planes(yCgCo, true, false), "yuv444p10le", keyframe.Info{Primaries: 1, Transfer: 1, Matrix: 8})
	one := d.Decode(context.Background(), new(bytes.Buffer), f, decode.Output{Format: decode.RGB24})
	s := &decode.Sequence{Codec: f.Codec, Info: f.Info, Data: [][]byte{f.Data}, Show: []int{0}}
	row := d.DecodeSequence(context.Background(), new(bytes.Buffer), s, decode.Output{Format: decode.RGB24})
	for _, err := range []error{one, row} {
		if !errors.Is(err, keyframe.ErrUnsupported) || !strings.Contains(err.Error(), "zscale") || !strings.Contains(err.Error(), "ycgco") {
			t.Error(err)
		}
	}
}
