package decode_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestTurned proves that pictures are rotated for display, in a pool and in a
// sequence too.
func TestTurned(t *testing.T) {
	all := everyPicture(t, "sar43.264", keyframe.H264)
	s, _ := sequence(t, all)
	s.Show = []int{0, 7}
	p := &decode.Pool{Size: 1}
	defer p.Close()
	for _, c := range []struct {
		rotation int
		mirrored bool
		filter   string
	}{
		{90, false, "transpose=clock"},
		{180, false, "hflip,vflip"},
		{270, false, "transpose=cclock"},
		{0, true, "hflip"},
		{90, true, "hflip,transpose=clock"},
		{180, true, "vflip"},
		{270, true, "hflip,transpose=cclock"},
	} {
		t.Run(fmt.Sprint(c.rotation, c.mirrored), func(t *testing.T) {
			f := *all[0]
			f.Info.Rotation, f.Info.Mirrored = c.rotation, c.mirrored
			s.Info = f.Info
			o := decode.Output{Format: decode.RGB24}
			w, h := o.Size(f.Info)
			if c.rotation%180 == 0 && (w != 853 || h != 360) || c.rotation%180 == 90 && (w != 360 || h != 853) {
				t.Fatalf("%dx%d", w, h)
			}
			want := ffmpeg(t, bytes.Join(s.Data, nil), "-f", "h264", "-i", "pipe:0", "-vf", fmt.Sprintf("select='eq(n,0)+eq(n,7)',%s,scale=%d:%d", c.filter, w, h),
				"-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1")
			if got := decodeTo(t, &f, o); !bytes.Equal(got, want[:len(want)/2]) {
				t.Errorf("alone: another picture, PSNR %.1f dB", psnr(got, want[:len(want)/2]))
			}
			var warm, row bytes.Buffer
			if err := p.Decode(context.Background(), &warm, &f, o); err != nil || !bytes.Equal(warm.Bytes(), want[:len(want)/2]) {
				t.Errorf("warm: another picture, %v", err)
			}
			if err := new(decode.Decoder).DecodeSequence(context.Background(), &row, s, o); err != nil || !bytes.Equal(row.Bytes(), want) {
				t.Errorf("in a row: other pictures, %v", err)
			}
		})
	}
	if n := p.Stats().Warm; n != 7 {
		t.Errorf("%d of 7 from processes that stay up", n)
	}
}
