package fmp4_test

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/keyframe"
)

func seeds(f *testing.F) {
	for _, c := range append(progressiveCases(f), fragmentCases(f)...) {
		f.Add(c.data)
	}

	c := tinyClip(f)
	_, sample, hvcC := hevcClip(f)
	plain := trak(2, "vide", stsd(visual("avc1", c.avcC(4))), tables(16, c.sample(0, 4)))
	for _, data := range [][]byte{
		oneSample(visual("ai12"), c.key),
		oneSample(visual("mp4v", esds(0x21, c.avcC(4)[8:])), c.sample(0, 2)),
		oneSample(visual("avc3", bx("avcC", c.key)), c.sample(0, 1)),
		oneSample(visual("dvh1", hvcC, dovi("dvcC", 5, 5, 0)), sample),
		oneSample(visual("HEVC", hvcC, dovi("dvvC", 8, 5, 1)), sample),
		mdatFirst(bx("moov", trak(1, "vide", stsd(visual("avc1")), tables(16, c.sample(0, 4))), plain, plain), c.sample(0, 4)),
		mdatFirst(bx("moov", trak(1, "vide", stsd(visual("jpeg"), visual("avc1", c.avcC(4))), tables(16, c.sample(0, 4))), plain), c.sample(0, 4)),
	} {
		f.Add(data)
	}
}

// FuzzParseInit checks that the result is part of the input, and no larger than
// the input allows.
func FuzzParseInit(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := fmp4.ParseInit(data)
		if err != nil {
			if !isStreamError(err) {
				t.Fatal(err)
			}
			return
		}
		if len(in.Tracks) == 0 || len(in.Tracks) > len(data)/8 || len(in.List()) != len(in.Tracks) {
			t.Fatalf("%d tracks in %d bytes", len(in.Tracks), len(data))
		}
		for _, track := range in.Tracks {
			for _, set := range track.ParameterSets {
				if len(set) == 0 || !bytes.Contains(data, set) {
					t.Fatalf("parameter set %x is not in the input", set)
				}
			}
			if track.Rotation < 0 || track.Rotation >= 360 || track.NALLengthSize > 4 {
				t.Fatalf("%+v", track)
			}
		}
		if v, err := in.Video(); err == nil && v.Codec == keyframe.UnknownCodec || err != nil && !isStreamError(err) {
			t.Fatal(v, err)
		}
	})
}

// boundedReader fails on a read outside its announced size.
type boundedReader struct {
	countingReader
	t *testing.T
}

func (r *boundedReader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(p)) > int64(len(r.data)) {
		r.t.Fatalf("read of %d bytes at %d, there are %d", len(p), off, len(r.data))
	}
	return r.countingReader.ReadAt(p, off)
}

// FuzzMovie checks that reads stay inside the file, that their sum is linear,
// and that the NAL units of a keyframe were in the input.
func FuzzMovie(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &boundedReader{countingReader{data: data}, t}
		m := fmp4.NewMovie(r, int64(len(data)), nil)
		for calls := 1; calls <= 20; calls++ {
			frame, err := m.Keyframe()
			if most := int64(calls+1) * 16 * int64(len(data)+1); r.bytes > most {
				t.Fatalf("%d bytes read of %d in %d calls", r.bytes, len(data), calls)
			}
			if err != nil {
				if !isStreamError(err) {
					t.Fatal(err)
				}
				break
			}
			for nalu := range keyframe.AnnexB(frame.Data) {
				if !bytes.Contains(data, nalu) {
					t.Fatalf("NAL unit %x is not in the input", nalu)
				}
			}
		}
		_, err := m.KeyframeAt(1e9)
		for calls := 1; err == nil && calls <= 20; calls++ {
			_, err = m.Next()
		}
		if err != nil && !isStreamError(err) {
			t.Fatal(err)
		}
	})
}

// FuzzProtected checks that with any encryption data reads stay inside the
// file, and that errors are about the stream.
func FuzzProtected(f *testing.F) {
	dir := filepath.Dir(recipe(f, "hls-tiny-fmp4"))
	file := append(read(f, filepath.Join(dir, "init.mp4")), read(f, filepath.Join(dir, "seg0.m4s"))...)
	for _, scheme := range []string{"cenc", "cbcs"} {
		data := protect(f, file, scheme, sampleKey)
		f.Add(data)
		f.Add(bytes.ReplaceAll(data, []byte("senc"), []byte("free")))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m := fmp4.NewMovie(&boundedReader{countingReader{data: data}, t}, int64(len(data)), nil)
		m.SetKey(sampleKey)
		for range 20 {
			if _, err := m.Keyframe(); err != nil {
				if !isStreamError(err) {
					t.Fatal(err)
				}
				break
			}
		}
	})
}

// FuzzMux checks that Movie returns the frame given to Mux.
func FuzzMux(f *testing.F) {
	for codec, name := range map[keyframe.Codec]string{keyframe.H264: "tiny.264", keyframe.H265: "h265.265"} {
		f.Add(firstOf(f, codec, name).Data, codec == keyframe.H265)
	}
	f.Fuzz(func(t *testing.T, stream []byte, hevc bool) {
		codec := keyframe.H264
		if hevc {
			codec = keyframe.H265
		}
		asm := keyframe.NewAssembler(codec)
		for nalu := range keyframe.AnnexB(stream) {
			asm.Push(nalu, keyframe.NoPTS)
		}
		frame := asm.Flush()
		if frame == nil || frame.Kind == keyframe.Intra || frame.Pictures != 1 {
			return
		}
		file, err := fmp4.Mux(frame)
		if err != nil {
			t.Fatal(err)
		}
		again, err := fmp4.NewMovie(bytes.NewReader(file), int64(len(file)), nil).Keyframe()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Data, frame.Data) {
			t.Fatalf("%x came out as %x", frame.Data, again.Data)
		}
	})
}

// FuzzLocate checks that Locate finds the same for ascending times as for each
// time alone, and reads inside the file.
func FuzzLocate(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		open := func() *fmp4.Movie {
			return fmp4.NewMovie(&boundedReader{countingReader{data: data}, t}, int64(len(data)), nil)
		}
		walk := open()
		if d, err := open().Duration(); err != nil && !isStreamError(err) {
			t.Fatal(d, err)
		}
		for at := time.Duration(0); at < 4*time.Second; at += 700 * time.Millisecond {
			got, err := walk.Locate(at)
			want, wantErr := open().Locate(at)
			if (err == nil) != (wantErr == nil) || err != nil && !isStreamError(err) {
				t.Fatalf("at %v: %v, alone %v", at, err, wantErr)
			}
			if err != nil {
				continue
			}
			if !got.Same(want) || got.At != want.At {
				t.Fatalf("at %v: the keyframe at %v, alone that at %v", at, got.At, want.At)
			}
			if _, err := got.Keyframe(bytes.NewReader(data)); err != nil && !isStreamError(err) {
				t.Fatal(err)
			}
		}
	})
}
