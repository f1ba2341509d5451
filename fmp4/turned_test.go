package fmp4_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestMuxTurned proves that Movie and ffmpeg rotate the picture of a muxed file
// as its Info says.
func TestMuxTurned(t *testing.T) {
	f := firstOf(t, keyframe.H264, "h264.264")
	for _, c := range []struct {
		rotation int
		mirrored bool
		filter   string
	}{
		{0, false, "null"},
		{90, false, "transpose=clock"},
		{180, false, "hflip,vflip"},
		{270, false, "transpose=cclock"},
		{0, true, "hflip"},
		{90, true, "hflip,transpose=clock"},
		{180, true, "vflip"},
		{270, true, "hflip,transpose=cclock"},
	} {
		f.Info.Rotation, f.Info.Mirrored = c.rotation, c.mirrored
		data, err := fmp4.Mux(f)
		if err != nil {
			t.Fatal(err)
		}
		again, err := fmp4.NewMovie(bytes.NewReader(data), int64(len(data)), nil).Keyframe()
		if err != nil || again.Info != f.Info {
			t.Errorf("%+v: %+v, %v", c, again.Info, err)
		}
		path := filepath.Join(t.TempDir(), "turned.mp4")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		got := ffmpeg(t, "-i", path, "-f", "framemd5", "-")
		want := ffmpeg(t, "-noautorotate", "-i", path, "-vf", c.filter, "-f", "framemd5", "-")
		if md5s(got)[0] != md5s(want)[0] {
			t.Errorf("%+v: ffmpeg turns it in another way", c)
		}
	}
}
