package fmp4_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestLocate proves that Locate and Spot.Keyframe return the same as
// KeyframeAt, with times in any order, and that Same recognises the same
// keyframe.
func TestLocate(t *testing.T) {
	for _, f := range files {
		data := read(t, recipe(t, f.name))
		m := fmp4.NewMovie(bytes.NewReader(data), int64(len(data)), nil)
		var before *fmp4.Spot
		var beforeFrame, first *keyframe.Frame
		for _, at := range []time.Duration{0, 900 * time.Millisecond, time.Second, 1500 * time.Millisecond, time.Hour, 2 * time.Second, 0} {
			spot, err := m.Locate(at)
			if err != nil {
				t.Fatalf("%s at %v: %v", f.name, at, err)
			}
			want, err := fmp4.NewMovie(bytes.NewReader(data), int64(len(data)), nil).KeyframeAt(at)
			if err != nil {
				t.Fatal(err)
			}
			got, err := spot.Keyframe(bytes.NewReader(data))
			if err != nil {
				t.Fatalf("%s at %v: %v", f.name, at, err)
			}
			if !bytes.Equal(got.Data, want.Data) || got.PTS != want.PTS || got.Info != want.Info {
				t.Errorf("%s at %v: the keyframe at %v, want %v", f.name, at, got.PTS, want.PTS)
			}
			if first == nil {
				first = got
			}
			if late := spot.At - (got.PTS - first.PTS); late.Abs() > time.Millisecond {
				t.Errorf("%s at %v: shown at %v, which is %v late", f.name, at, spot.At, late)
			}
			if before != nil && spot.Same(before) != bytes.Equal(got.Data, beforeFrame.Data) {
				t.Errorf("%s at %v: the same as before: %v", f.name, at, spot.Same(before))
			}
			beforeFrame = got
			before = spot
		}
	}
}

// TestLocateReads proves that Locate reads no payload. In a file without a
// segment index it reads the moof boxes once.
func TestLocateReads(t *testing.T) {
	for _, f := range files {
		r := &countingReader{data: read(t, recipe(t, f.name))}
		m := fmp4.NewMovie(r, int64(len(r.data)), nil)
		for i := range 4 {
			if _, err := m.Locate(time.Duration(i) * time.Second); err != nil {
				t.Fatal(err)
			}
		}
		once := r.bytes
		if once > int64(len(r.data))*2/3 && len(r.data) > 100_000 {
			t.Errorf("%s: %d of %d bytes read", f.name, once, len(r.data))
		}
		whole := fmp4.NewMovie(r, int64(len(r.data)), nil)
		r.bytes = 0
		if _, err := whole.Locate(time.Hour); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(f.name, "sidx") {
			continue // each time needs a moof box of its own
		}
		if once > r.bytes {
			t.Errorf("%s: %d bytes for four times, %d for the last", f.name, once, r.bytes)
		}
	}
}

// TestDuration proves that Duration is that of the pictures in the file.
func TestDuration(t *testing.T) {
	for _, tt := range []struct {
		name string
		want time.Duration
	}{
		{"faststart.mp4", 4 * time.Second},
		{"moov-last.mp4", 4 * time.Second},
		{"fragmented.mp4", 4 * time.Second},
		{"cmaf-chunks.mp4", 4 * time.Second},
		{"negative-cts.mp4", 4 * time.Second},
		{"hybrid.mp4", 4 * time.Second},
		{"dash-sidx.mp4", 10 * time.Second},
		{"h265.mp4", 3 * time.Second},
	} {
		data := read(t, recipe(t, tt.name))
		m := fmp4.NewMovie(bytes.NewReader(data), int64(len(data)), nil)
		got, err := m.Duration()
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if (got - tt.want).Abs() > time.Millisecond {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestLocateNothing covers a file without samples and one that ends inside its
// index.
func TestLocateNothing(t *testing.T) {
	data := read(t, recipe(t, "fragmented.mp4"))
	moof := bytes.Index(data, []byte("moof")) - 4
	for _, tt := range []struct {
		data []byte
		want error
	}{
		{data[:moof], keyframe.ErrNotFound},
		{data[:moof/2], keyframe.ErrCorrupt},
		{read(t, recipe(t, "audio.mp4")), keyframe.ErrNotFound},
	} {
		m := fmp4.NewMovie(bytes.NewReader(tt.data), int64(len(tt.data)), nil)
		if _, err := m.Locate(0); !errors.Is(err, tt.want) {
			t.Errorf("%v, want %v", err, tt.want)
		}
		if _, err := m.Duration(); !errors.Is(err, tt.want) {
			t.Errorf("%v, want %v", fmt.Sprint(err), tt.want)
		}
	}
}

// TestLocateDamage proves that damage found on the way to one time is found
// again for the next.
func TestLocateDamage(t *testing.T) {
	data := bytes.Clone(read(t, recipe(t, "fragmented.mp4")))
	moof := func(from int) int { return from + 4 + bytes.Index(data[from+4:], []byte("moof")) }
	second := moof(moof(0))
	third := moof(second)
	for i := second; i < third; i++ { // boxes of sound and pictures
		if bytes.HasPrefix(data[i:], []byte("tfhd")) {
			data[i-1] = 9
		}
	}
	m := fmp4.NewMovie(bytes.NewReader(data), int64(len(data)), nil)
	for _, at := range []time.Duration{0, 500 * time.Millisecond} {
		if _, err := m.Locate(at); !errors.Is(err, keyframe.ErrCorrupt) {
			t.Errorf("at %v: %v", at, err)
		}
	}
}
