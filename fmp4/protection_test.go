package fmp4_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/keyframe"
)

var sampleKey = []byte("0123456789abcdef")

// protect encrypts a fragmented file of one track with another implementation.
func protect(tb testing.TB, file []byte, scheme string, iv []byte) []byte {
	tb.Helper()
	decoded, err := mp4.DecodeFileSR(bits.NewFixedSliceReader(bytes.Clone(file)))
	if err != nil {
		tb.Fatal(err)
	}
	kid, _ := mp4.NewUUIDFromString("00000000-0000-0000-0000-000000000001")
	data, err := mp4.InitProtect(decoded.Init, sampleKey, iv, scheme, kid, nil)
	if err != nil {
		tb.Fatal(err)
	}
	var out bytes.Buffer
	if err := decoded.Init.Encode(&out); err != nil {
		tb.Fatal(err)
	}
	for _, s := range decoded.Segments {
		if iv, err = mp4.EncryptFragments(s.Fragments, sampleKey, iv, data); err != nil {
			tb.Fatal(err)
		}
		s.Sidx, s.Sidxs = nil, nil
		if err := s.Encode(&out); err != nil {
			tb.Fatal(err)
		}
	}
	return out.Bytes()
}

// keyframes returns all keyframes of the file, decrypted if there is a key.
func keyframes(tb testing.TB, file, key []byte) (list []*keyframe.Frame) {
	tb.Helper()
	m := fmp4.NewMovie(bytes.NewReader(file), int64(len(file)), nil)
	if key != nil {
		m.SetKey(key)
	}
	for {
		f, err := m.Keyframe()
		if errors.Is(err, keyframe.ErrNotFound) && len(list) > 0 {
			return list
		}
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, f)
	}
}

// TestProtected proves that files encrypted with cenc and cbcs give the
// keyframes of the plain file, wherever the encryption data is.
func TestProtected(t *testing.T) {
	for _, recipeName := range []string{"negative-cts.mp4", "cmaf-chunks.mp4"} {
		file := read(t, recipe(t, recipeName))
		want := keyframes(t, file, nil)
		moved := func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("senc"), []byte("free")) }
		cenc8, cenc16 := protect(t, file, "cenc", sampleKey[:8]), protect(t, file, "cenc", sampleKey)
		cbcs := protect(t, file, "cbcs", sampleKey)
		for name, data := range map[string][]byte{
			"cenc, IV of 8":          cenc8,
			"cenc, IV of 16":         cenc16,
			"cenc, found by saio":    moved(cenc8),
			"cenc 16, found by saio": moved(cenc16),
			"cbcs":                   cbcs,
			"cbcs, found by saio":    moved(cbcs),
		} {
			if bytes.Contains(data, want[0].Data[len(want[0].Data)-500:]) {
				t.Fatalf("%s: not encrypted", name)
			}
			got := keyframes(t, data, sampleKey)
			if len(got) != len(want) {
				t.Fatalf("%s, %s: %d keyframes, want %d", recipeName, name, len(got), len(want))
			}
			for i := range got {
				if !bytes.Equal(got[i].Data, want[i].Data) || got[i].PTS != want[i].PTS {
					t.Errorf("%s, %s: keyframe %d is another one", recipeName, name, i)
				}
			}
			f, err := movie(data, sampleKey).KeyframeAt(want[1].PTS - want[0].PTS)
			if err != nil || !bytes.Equal(f.Data, want[1].Data) {
				t.Errorf("%s, %s: by time: %v", recipeName, name, err)
			}
		}
	}
}

func movie(data, key []byte) *fmp4.Movie {
	m := fmp4.NewMovie(bytes.NewReader(data), int64(len(data)), nil)
	m.SetKey(key)
	return m
}

func TestProtectedInOtherWays(t *testing.T) {
	file := protect(t, read(t, recipe(t, "negative-cts.mp4")), "cenc", sampleKey[:8])
	edit := func(old, fresh string) []byte { return bytes.ReplaceAll(file, []byte(old), []byte(fresh)) }
	senc := bytes.Index(file, []byte("senc"))
	cut := bytes.Clone(file)
	copy(cut[senc+4+8+8:], "\xff\xff\xff\xff") // subsamples of the first sample
	long := bytes.Clone(file)
	copy(long[senc+4+8+8+2+2:], "\x7f\xff\xff\xff") // bytes of the first subsample
	for name, tt := range map[string]struct {
		data []byte
		key  []byte
		kind error
		text string
	}{
		"no key":             {file, nil, keyframe.ErrUnsupported, "encrypted (cenc)"},
		"cens":               {edit("cenc", "cens"), sampleKey, keyframe.ErrUnsupported, "encrypted (cens) in an unsupported way"},
		"no entries":         {bytes.ReplaceAll(edit("senc", "free"), []byte("saio"), []byte("free")), sampleKey, keyframe.ErrUnsupported, "outside"},
		"too many to hold":   {cut, sampleKey, keyframe.ErrCorrupt, "cut short"},
		"more than a sample": {long, sampleKey, keyframe.ErrCorrupt, "to decrypt"},
	} {
		f, err := movie(tt.data, tt.key).Keyframe()
		if f != nil || !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v, %v; want %q", name, f != nil, err, tt.text)
		}
	}
}
