package fmp4_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// keyPictures returns the framemd5 of a file's keyframes. ffmpeg decodes them
// and skips all other pictures.
func keyPictures(tb testing.TB, path string) []string {
	tb.Helper()
	return md5s(ffmpeg(tb, "-noautorotate", "-skip_frame", "nokey", "-i", path, "-map", "0:v", "-vsync", "0", "-f", "framemd5", "-"))
}

func read(tb testing.TB, path string) []byte {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// segment returns an init segment and a media segment of an HLS recipe.
func segment(tb testing.TB, recipe string, n int) (in *fmp4.Init, data []byte) {
	tb.Helper()
	dir := filepath.Dir(testmedia.Make(tb, recipe))
	in, err := fmp4.ParseInit(read(tb, filepath.Join(dir, "init.mp4")))
	if err != nil {
		tb.Fatal(err)
	}
	return in, read(tb, filepath.Join(dir, fmt.Sprintf("seg%d.m4s", n)))
}

// files are recipes with one keyframe per second. Those with B pictures but no
// edit list start two pictures late.
var files = []struct {
	name  string
	start time.Duration
}{
	{"faststart.mp4", 0},
	{"moov-last.mp4", 0},
	{"fragmented.mp4", late},
	{"h265.mp4", 0},
	{"anamorphic.mp4", 0},
	{"cmaf-chunks.mp4", 0},
	{"dash-sidx.mp4", late},
	{"negative-cts.mp4", 0},
	{"separate-moof.mp4", late},
	{"omit-offset.mp4", late},
	{"base-offset.mp4", late},
	{"hybrid.mp4", late},
}

const late = 80 * time.Millisecond

// TestKeyframes proves that Movie returns every keyframe in order and then the
// end, and finds each one by time.
func TestKeyframes(t *testing.T) {
	var batch pictures
	for _, file := range files {
		name := file.name
		path := testmedia.Make(t, name)
		want := keyPictures(t, path)
		data := read(t, path)
		m := fmp4.NewMovie(bytes.NewReader(data), int64(len(data)), nil)
		for i, sum := range want {
			f, err := m.Keyframe()
			if err != nil {
				t.Fatalf("%s, keyframe %d: %v", name, i, err)
			}
			if at := file.start + time.Duration(i)*time.Second; f.PTS != at {
				t.Errorf("%s, keyframe %d: PTS %v", name, i, f.PTS)
			}
			batch.add(fmt.Sprint(name, " keyframe ", i), f, sum)
			again, err := fmp4.NewMovie(bytes.NewReader(data), -1, nil).KeyframeAt(f.PTS - file.start)
			if err != nil || !bytes.Equal(again.Data, f.Data) {
				t.Errorf("%s, keyframe %d is not the one at %v: %v", name, i, f.PTS, err)
			}
		}
		if _, err := m.Keyframe(); !errors.Is(err, keyframe.ErrNotFound) {
			t.Errorf("%s, behind %d keyframes: %v", name, len(want), err)
		}
	}
	batch.check(t)
}

// TestKeyframeAt proves that KeyframeAt returns the last keyframe at or before
// the time, however the file is built.
func TestKeyframeAt(t *testing.T) {
	for _, file := range files {
		name := file.name
		data := read(t, testmedia.Make(t, name))
		m := fmp4.NewMovie(bytes.NewReader(data), int64(len(data)), nil)
		var all []*keyframe.Frame
		for {
			f, err := m.Keyframe()
			if err != nil {
				break
			}
			all = append(all, f)
		}
		last := len(all) - 1
		for _, c := range []struct {
			at   time.Duration
			want int
		}{
			{-time.Second, 0},
			{0, 0},
			{990 * time.Millisecond, 0},
			{time.Second, min(1, last)},
			{1400 * time.Millisecond, min(1, last)},
			{time.Hour, last},
		} {
			f, err := m.KeyframeAt(c.at)
			if err != nil {
				t.Errorf("%s at %v: %v", name, c.at, err)
			} else if !bytes.Equal(f.Data, all[c.want].Data) {
				t.Errorf("%s at %v: the keyframe of %v, not of %v", name, c.at, f.PTS, all[c.want].PTS)
			}
		}
		if f, err := m.Keyframe(); err != nil || !bytes.Equal(f.Data, all[0].Data) {
			t.Errorf("%s: Keyframe after KeyframeAt does not begin anew: %v", name, err)
		}
	}
}

// TestSegments reads media segments with a separate init segment.
func TestSegments(t *testing.T) {
	var batch pictures
	for _, recipe := range []string{"hls-fmp4", "hls-h265"} {
		dir := filepath.Dir(testmedia.Make(t, recipe))
		in, data := segment(t, recipe, 1)
		joined := filepath.Join(t.TempDir(), "joined.mp4")
		whole := append(read(t, filepath.Join(dir, "init.mp4")), data...)
		if err := os.WriteFile(joined, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		m := fmp4.NewMovie(bytes.NewReader(data), int64(len(data)), in)
		for i, sum := range keyPictures(t, joined) {
			f, err := m.Keyframe()
			if err != nil {
				t.Fatal(recipe, i, err)
			}
			batch.add(fmt.Sprint(recipe, i), f, sum)
			if at := time.Duration(2+i) * time.Second; f.PTS/time.Millisecond/100 != at/time.Millisecond/100 {
				t.Errorf("%s %d: PTS %v", recipe, i, f.PTS)
			}
		}
		if len(batch.names) == 0 {
			t.Fatal(recipe, "has no keyframes")
		}
	}
	batch.check(t)
}

// TestBytes proves that Movie reads the index, the sample and the window, and
// no more.
func TestBytes(t *testing.T) {
	const window = 4 << 10
	in, data := segment(t, "hls-fmp4", 2)
	end := func(data []byte, f *keyframe.Frame) int64 {
		// The file has the last slice of the frame unchanged.
		var last []byte
		for nalu := range keyframe.AnnexB(f.Data) {
			last = nalu
		}
		return int64(bytes.Index(data, last) + len(last))
	}
	for _, c := range []struct {
		name     string
		in       *fmp4.Init
		data     []byte
		at       time.Duration
		maxBytes func(data []byte, f *keyframe.Frame) int64
		maxReads int
	}{
		{"segment", in, data, 0, func(data []byte, f *keyframe.Frame) int64 { return end(data, f) + window }, 3},
		{"front", nil, read(t, testmedia.Make(t, "faststart.mp4")), 0, func(data []byte, f *keyframe.Frame) int64 {
			return int64(bytes.Index(data, []byte("mdat"))+len(f.Data)) + window
		}, 3},
		{"moov last", nil, read(t, testmedia.Make(t, "moov-last.mp4")), 0, func(data []byte, f *keyframe.Frame) int64 {
			return int64(len(data)-bytes.LastIndex(data, []byte("moov"))+len(f.Data)) + 2*window
		}, 4},
		{"sidx", nil, read(t, testmedia.Make(t, "dash-sidx.mp4")), 8500 * time.Millisecond, func(_ []byte, f *keyframe.Frame) int64 {
			return int64(len(f.Data)) + 3*window
		}, 6},
	} {
		r := &countingReader{data: c.data}
		m := fmp4.NewMovie(r, int64(len(c.data)), c.in)
		f, err := m.Keyframe()
		if c.at > 0 {
			r.bytes, r.reads = 0, 0
			f, err = fmp4.NewMovie(r, int64(len(c.data)), c.in).KeyframeAt(c.at)
		}
		if err != nil {
			t.Fatal(c.name, err)
		}
		if most := c.maxBytes(c.data, f); r.bytes > most || r.reads > c.maxReads {
			t.Errorf("%s: %d bytes in %d reads, at most %d in %d are due", c.name, r.bytes, r.reads, most, c.maxReads)
		}
		t.Logf("%s: %d of %d bytes in %d reads for a keyframe of %d", c.name, r.bytes, len(c.data), r.reads, len(f.Data))
	}
}

// TestRefresh reads a stream with one sync sample, the same without any, and
// the same without its IDR picture.
func TestRefresh(t *testing.T) {
	data := read(t, testmedia.Make(t, "refresh.mp4"))
	f, err := fmp4.NewMovie(bytes.NewReader(data), -1, nil).Keyframe()
	if err != nil || f.Kind != keyframe.IDR {
		t.Fatal(f, err)
	}
	at := bytes.Index(data, []byte("stss"))
	copy(data[at+4:], []byte{0, 0, 0, 0, 0, 0, 0, 0}) // no sync samples
	f, err = fmp4.NewMovie(bytes.NewReader(data), -1, nil).Keyframe()
	if err != nil || f.Kind != keyframe.IDR {
		t.Fatal(f, err)
	}
	// Without the IDR picture, only the gradual refresh after it is left.
	mdat := bytes.Index(data, []byte("mdat"))
	idr := bytes.Index(data[mdat:], []byte{0x65, 0x88})
	data[mdat+idr] = 0x6c // a reserved NAL unit type
	f, err = fmp4.NewMovie(bytes.NewReader(data), -1, nil).Keyframe()
	if err != nil || f.Kind != keyframe.GradualRefresh {
		t.Fatal(f, err)
	}
}

var errBroken = errors.New("connection reset")

// brokenReader fails after a number of bytes.
type brokenReader struct {
	data []byte
	left int64
}

func (r *brokenReader) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > r.left {
		n, _ := bytes.NewReader(r.data[:r.left]).ReadAt(p, off)
		return n, errBroken
	}
	return bytes.NewReader(r.data).ReadAt(p, off)
}

// TestReadErrors proves that Movie returns the reader's own error wherever it
// occurs, but only if it needs the bytes.
func TestReadErrors(t *testing.T) {
	data := read(t, testmedia.Make(t, "faststart.mp4"))
	failed, found := 0, 0
	for left := int64(0); left < 20000; left += 500 {
		f, err := fmp4.NewMovie(&brokenReader{data, left}, -1, nil).Keyframe()
		switch {
		case err == nil && f.Kind == keyframe.IDR:
			found++
		case errors.Is(err, errBroken) && found == 0:
			failed++
		default:
			t.Errorf("%d bytes: %v", left, err)
		}
	}
	if failed == 0 || found == 0 {
		t.Errorf("%d failed, %d found", failed, found)
	}
}

// BenchmarkSegment reads a keyframe of a media segment whose init segment is
// known.
func BenchmarkSegment(b *testing.B) {
	in, data := segment(b, "hls-fmp4", 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fmp4.NewMovie(bytes.NewReader(data), int64(len(data)), in).Keyframe(); err != nil {
			b.Fatal(err)
		}
	}
}

// TestDescriptionsAlternate proves that large parameter sets are not repeated
// for samples of a few bytes.
func TestDescriptionsAlternate(t *testing.T) {
	c := tinyClip(t)
	pps := cat(c.pps, zeros(60000))
	var entries []any
	for range 30 {
		entries = append(entries, uint16(len(pps)), pps)
	}
	entry := visual("avc1", bx("avcC", uint8(1), c.sps[1:4], uint8(0xff), uint8(0xe1), uint16(len(c.sps)), c.sps, uint8(30), cat(entries...)))
	const samples = 40
	reserved := cat(uint32(1), uint8(0x6c))
	var chunks, offsets []uint32
	for i := range uint32(samples) {
		chunks, offsets = append(chunks, i+1, 1, 1+i%2), append(offsets, 16+i*uint32(len(reserved)))
	}
	moov := bx("moov", trak(1, "vide", stsd(entry, entry), bx("stts", list(1, samples, 1)), bx("stsc", list(samples, chunks...)),
		bx("stsz", uint32(0), uint32(len(reserved)), uint32(samples)), bx("stco", list(samples, offsets...))))
	data := mdatFirst(moov, bytes.Repeat(reserved, samples))
	_, err := fmp4.NewMovie(bytes.NewReader(data), int64(len(data)), nil).Keyframe()
	if !errors.Is(err, keyframe.ErrCorrupt) || !strings.Contains(err.Error(), "descriptions change") {
		t.Error(err)
	}
}
