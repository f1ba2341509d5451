package decode

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

func TestSize(t *testing.T) {
	for _, c := range []struct {
		name          string
		width, height int
		sar           [2]int
		output        Output
		want          [2]int
	}{
		{"as coded", 640, 360, [2]int{1, 1}, Output{}, [2]int{640, 360}},
		{"SAR not told", 640, 360, [2]int{0, 0}, Output{}, [2]int{640, 360}},
		{"wide pixels widen", 720, 576, [2]int{16, 11}, Output{}, [2]int{1047, 576}},
		{"narrow pixels heighten", 640, 480, [2]int{3, 4}, Output{}, [2]int{640, 640}},
		{"nonsense passed over", 640, 360, [2]int{1, 65535}, Output{}, [2]int{640, 360}},
		{"width given", 640, 360, [2]int{1, 1}, Output{Width: 320}, [2]int{320, 180}},
		{"height given", 640, 360, [2]int{1, 1}, Output{Height: 90}, [2]int{160, 90}},
		{"width given, wide pixels", 720, 576, [2]int{64, 45}, Output{Width: 1024}, [2]int{1024, 576}},
		{"height given, wide pixels", 720, 576, [2]int{64, 45}, Output{Height: 288}, [2]int{512, 288}},
		{"both given", 720, 576, [2]int{64, 45}, Output{Width: 100, Height: 100}, [2]int{100, 100}},
		{"at least one", 640, 16, [2]int{1, 1}, Output{Width: 1}, [2]int{1, 1}},
		{"turned", 640, 360, [2]int{1, 1}, Output{}, [2]int{360, 640}},
		{"turned, wide pixels", 720, 576, [2]int{16, 11}, Output{}, [2]int{576, 1047}},
		{"turned, width given", 720, 576, [2]int{64, 45}, Output{Width: 288}, [2]int{288, 512}},
		{"a part", 640, 360, [2]int{1, 1}, Output{Crop: Crop{Width: 301, Height: 99, X: 7, Y: 8}}, [2]int{301, 99}},
		{"a part, width given", 640, 360, [2]int{1, 1}, Output{Crop: Crop{Width: 300, Height: 100}, Width: 150}, [2]int{150, 50}},
		{"a part, height given", 640, 360, [2]int{1, 1}, Output{Crop: Crop{Width: 300, Height: 100}, Height: 10}, [2]int{30, 10}},
		{"a part, both given", 640, 360, [2]int{1, 1}, Output{Crop: Crop{Width: 300, Height: 100}, Width: 20, Height: 20}, [2]int{20, 20}},
		{"per cent", 640, 360, [2]int{1, 1}, Output{Crop: Crop{Width: 50, Height: 25, X: 50, Percent: true}}, [2]int{320, 90}},
		{"per cent, wide pixels", 720, 576, [2]int{64, 45}, Output{Crop: Crop{Width: 50, Height: 50, Percent: true}}, [2]int{512, 288}},
		{"per cent of a pixel", 640, 360, [2]int{1, 1}, Output{Crop: Crop{Width: 0.01, Height: 0.01, X: 99.99, Y: 99.99, Percent: true}}, [2]int{1, 1}},
		{"turned, a part", 640, 360, [2]int{1, 1}, Output{Crop: Crop{Width: 50, Height: 50, Percent: true}}, [2]int{180, 320}},
		{"covered", 720, 576, [2]int{64, 45}, Output{Width: 100, Height: 100, Fit: Cover}, [2]int{100, 100}},
		{"contained", 720, 576, [2]int{64, 45}, Output{Width: 100, Height: 100, Fit: Contain}, [2]int{100, 100}},
		{"no Info", 0, 0, [2]int{1, 1}, Output{Width: 320}, [2]int{0, 0}},
	} {
		i := keyframe.Info{Width: c.width, Height: c.height, SARNum: c.sar[0], SARDen: c.sar[1]}
		if strings.HasPrefix(c.name, "turned") {
			i.Rotation = 90
		}
		if w, h := c.output.Size(i); w != c.want[0] || h != c.want[1] {
			t.Errorf("%s: %dx%d, want %v", c.name, w, h, c.want)
		}
	}
}

// TestSizeIsTheFilters proves in one run of ffmpeg that Size and the filter
// agree on every combination.
func TestSizeIsTheFilters(t *testing.T) {
	var infos []keyframe.Info
	for _, size := range [][2]int{{640, 360}, {720, 576}, {128, 2}} {
		for _, sar := range [][2]int{{1, 1}, {12, 11}, {10, 11}, {16, 11}, {40, 33}, {32, 11}, {160, 99}, {4, 3}, {3, 4}, {2, 1}, {1, 2}, {9, 1}, {10, 1}, {1, 10}, {11, 1}, {255, 256}, {152, 135}} {
			i := keyframe.Info{Width: size[0], Height: size[1], SARNum: sar[0], SARDen: sar[1]}
			infos = append(infos, i)
			i.Rotation, i.FieldSeq = 270, sar[1]%2 == 0
			infos = append(infos, i)
		}
	}
	third, corner := Crop{Width: 33.3, Height: 33.3, X: 33.3, Y: 33.3, Percent: true}, Crop{Width: 0.1, Height: 66.7, X: 99.9, Y: 33.3, Percent: true}
	for _, o := range []Output{
		{},
		{Width: 320},
		{Width: 1},
		{Height: 99},
		{Height: 1},
		{Width: 33, Height: 44},
		{Crop: third},
		{Crop: corner, Width: 33, Height: 144},
		{Crop: Crop{Width: 2, Height: 1}, Width: 320},
		{Width: 33, Height: 44, Fit: Cover},
		{Width: 500, Height: 1, Fit: Cover},
		{Width: 1, Height: 501, Fit: Contain},
		{Crop: third, Width: 44, Height: 33, Fit: Contain},
	} {
		t.Run(fmt.Sprintf("%dx%d %v %v", o.Width, o.Height, o.Crop, o.Fit), func(t *testing.T) {
			t.Parallel()
			got := filtered(t, o, infos)
			for k, i := range infos {
				if w, h := o.Size(i); got[k] != fmt.Sprintf("%dx%d", w, h) {
					t.Errorf("%dx%d at %d:%d: ffmpeg %s, Size %dx%d", i.Width, i.Height, i.SARNum, i.SARDen, got[k], w, h)
				}
			}
		})
	}
}

// filtered returns the sizes that the filter of o gives grey pictures.
func filtered(t *testing.T, o Output, infos []keyframe.Info) (sizes []string) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("needs ffmpeg: make deps")
	}
	var graph []string
	args := []string{"-v", "error", "-nostdin"}
	for k, i := range infos {
		s := shapeOfInfo(keyframe.H265, i)
		graph = append(graph, fmt.Sprintf("color=size=%dx%d:rate=1:duration=1,format=gray,setsar=sar=%d/%d:max=65535,%s[o%d]",
			i.Width, i.Height, i.SARNum, i.SARDen, s.uprightFilters()+o.cropFilters(s)+o.scaleFilter()+o.padFilter(""), k))
	}
	script := filepath.Join(t.TempDir(), "graph") // too long for an argument
	if err := os.WriteFile(script, []byte(strings.Join(graph, ";")), 0o600); err != nil {
		t.Fatal(err)
	}
	args = append(args, "-filter_complex_script", script)
	for k := range infos {
		args = append(args, "-map", fmt.Sprintf("[o%d]", k))
	}
	var stderr strings.Builder
	cmd := exec.Command("ffmpeg", append(args, "-f", "framecrc", "-")...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	for _, m := range regexp.MustCompile(`(?m)^#dimensions \d+: (\d+x\d+)$`).FindAllSubmatch(out, -1) {
		sizes = append(sizes, string(m[1]))
	}
	if len(sizes) != len(infos) {
		t.Fatalf("%d sizes of %d", len(sizes), len(infos))
	}
	return sizes
}

// TestSizeOfStreams proves that a whole Decode agrees with Size: ffmpeg reads
// the same SAR as Info.
func TestSizeOfStreams(t *testing.T) {
	for _, name := range []string{"sar43.264", "h264.264"} {
		f := firstFrame(t, name, keyframe.H264)
		for _, o := range []Output{
			{},
			{Width: 100},
			{Height: 101},
			{Width: 17, Height: 300},
			{Crop: Crop{Width: 33, Height: 15, X: 607, Y: 345}},
			{Width: 17, Height: 300, Fit: Cover},
			{Width: 17, Height: 301, Fit: Contain},
		} {
			o.Format = RGB24
			var b bytes.Buffer
			if err := new(Decoder).Decode(context.Background(), &b, f, o); err != nil {
				t.Errorf("%s %+v: %v", name, o, err)
			}
			if w, h := o.Size(f.Info); b.Len() != 3*w*h {
				t.Errorf("%s %+v: %d bytes, want %d", name, o, b.Len(), 3*w*h)
			}
		}
	}
	if w, h := (Output{}).Size(firstFrame(t, "sar43.264", keyframe.H264).Info); w != 853 || h != 360 {
		t.Errorf("640x360 at 4:3 is shown as %dx%d", w, h)
	}
}

func firstFrame(t *testing.T, name string, c keyframe.Codec) *keyframe.Frame {
	t.Helper()
	data, err := os.ReadFile(testmedia.Make(t, name))
	if err != nil {
		t.Fatal(err)
	}
	s := keyframe.NewByteStream(c)
	s.Push(data)
	f := s.Next()
	if f == nil {
		t.Fatalf("%s: no keyframe", name)
	}
	return f
}

// TestArguments proves that no argument holds anything of the stream.
func TestArguments(t *testing.T) {
	for _, c := range []keyframe.Codec{keyframe.H264, keyframe.H265} {
		for f := range formats {
			args := strings.Join(frameArguments(shape{codec: c, pictures: 1}, Output{Format: Format(f)}), " ")
			if !strings.Contains(args, "-f "+c.String()+" -i pipe:0") || !strings.HasSuffix(args, " pipe:1") {
				t.Errorf("%v to %v: %s", c, Format(f), args)
			}
		}
	}
	if a, b := jpegQuantiser(1), jpegQuantiser(100); a != 31 || b != 2 {
		t.Errorf("quality 1 and 100 are -q:v %d and %d", a, b)
	}
}
