package keyframe_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"testing"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// orientationSEI builds a NAL unit with a display orientation message (ISO/IEC
// 14496-10 D.1.27, ISO/IEC 23008-2 D.2.17); cancel, flips and rotation take 19
// bits.
func orientationSEI(c keyframe.Codec, cancel, hor, ver bool, anticlockwise int) []byte {
	bits := uint32(0)
	for k, b := range []bool{cancel, hor, ver} {
		if b {
			bits |= 1 << (31 - k)
		}
	}
	// A repetition period of 1 (010), no extension (0), or persistence (1) and alignment.
	bits |= uint32(anticlockwise)<<13 | 1<<11 | 1<<12*uint32(map[bool]int{true: 1}[c == keyframe.H265])
	payload := []byte{47, 4, byte(bits >> 24), byte(bits >> 16), byte(bits >> 8), byte(bits), 0x80}
	if c == keyframe.H265 {
		return append([]byte{39 << 1, 1}, escaped(payload)...)
	}
	return append([]byte{6}, escaped(payload)...)
}

// escaped inserts emulation prevention bytes.
func escaped(b []byte) []byte {
	for _, last := range []byte{0, 1, 2, 3} {
		b = bytes.ReplaceAll(b, []byte{0, 0, last}, []byte{0, 0, 3, last})
	}
	return b
}

// withSEI inserts a NAL unit before the first slice of a frame's data.
func withSEI(f *keyframe.Frame, sei []byte) (data []byte) {
	for nalu := range keyframe.AnnexB(f.Data) {
		slice := nalu[0]&0x1f == 5
		if f.Codec == keyframe.H265 {
			slice = nalu[0]>>1 < 32
		}
		if slice && sei != nil {
			data = keyframe.AppendNALU(data, sei)
			sei = nil
		}
		data = keyframe.AppendNALU(data, nalu)
	}
	return data
}

func TestDisplayOrientation(t *testing.T) {
	const quarter = 1 << 14
	for _, c := range []struct {
		cancel, hor, ver bool
		anticlockwise    int
		rotation         int
		mirrored         bool
	}{
		{false, false, false, 0, 0, false},
		{false, false, false, quarter, 270, false},
		{false, false, false, 2 * quarter, 180, false},
		{false, false, false, 3*quarter + 20, 90, false},
		{false, false, false, 4*quarter - 1, 0, false},
		{false, false, false, quarter + 1000, 0, false},
		{false, true, false, 0, 0, true},
		{false, false, true, 0, 180, true},
		{false, true, true, 0, 180, false},
		{false, true, false, quarter, 270, true},
		{false, false, true, quarter, 90, true},
		{true, true, true, quarter, 0, false},
	} {
		for codec, name := range map[keyframe.Codec]string{keyframe.H264: "h264.264", keyframe.H265: "h265.265"} {
			f := first(codec, read(t, name), 1<<20)
			data := withSEI(f, orientationSEI(codec, c.cancel, c.hor, c.ver, c.anticlockwise))
			i := first(codec, data, 1<<20).Info
			if i.Rotation != c.rotation || i.Mirrored != c.mirrored {
				t.Errorf("%v %+v: %d, %v", codec, c, i.Rotation, i.Mirrored)
			}
			if i.Rotation, i.Mirrored = 0, false; i != f.Info {
				t.Errorf("%v: %+v is not %+v", codec, i, f.Info)
			}
		}
	}
}

// TestDisplayOrientationOfFFmpeg proves that the assembler reads the
// orientation that ffmpeg writes.
func TestDisplayOrientationOfFFmpeg(t *testing.T) {
	for rotate, want := range map[int]int{90: 270, 180: 180, 270: 90} {
		out, err := exec.Command("ffmpeg", "-v", "error", "-i", testmedia.Make(t, "h264.264"), "-c", "copy", "-frames:v", "1",
			"-bsf:v", fmt.Sprintf("h264_metadata=display_orientation=insert:rotate=%d", rotate), "-f", "h264", "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		if i := first(keyframe.H264, out, 1<<20).Info; i.Rotation != want {
			t.Errorf("rotated by %d degrees anticlockwise: %d", rotate, i.Rotation)
		}
	}
}

// TestDisplayOrientationLasts proves that the orientation holds for the
// pictures between keyframes, and ends with the next coded video sequence.
func TestDisplayOrientationLasts(t *testing.T) {
	sei := orientationSEI(keyframe.H264, false, false, false, 1<<14)
	a := keyframe.NewAssembler(keyframe.H264)
	a.EveryPicture()
	pictures, keyframes := 0, 0
	for nalu := range keyframe.AnnexB(read(t, "h264.264")) {
		f := a.Push(nalu, keyframe.NoPTS)
		if nalu[0]&0x1f == 8 && sei != nil { // PPS
			a.Push(sei, keyframe.NoPTS)
			sei = nil
		}
		if f == nil {
			continue
		}
		want := 270
		if f.Kind == keyframe.IDR {
			keyframes++
		}
		if keyframes > 1 {
			want = 0
		}
		if pictures++; f.Info.Rotation != want {
			t.Fatalf("picture %d: rotation %d, want %d", pictures, f.Info.Rotation, want)
		}
	}
	if keyframes < 2 || pictures < 50 {
		t.Errorf("%d keyframes among %d pictures", keyframes, pictures)
	}
}
