package picture

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// testTime ends a test that hangs.
const testTime = time.Minute

// take calls Take for the stream at url.
func take(t *testing.T, d Decoder, url string, o *Options) (*Taken, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTime)
	defer cancel()
	return Take(ctx, d, openStream(t, url, nil), o)
}

func openStream(t *testing.T, url string, o *kfgrab.Options) *kfgrab.Stream {
	t.Helper()
	s, err := kfgrab.Open(url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestTake proves that Take returns the third keyframe of a stream whose first
// two are black, from every kind of stream, and the same one in every format.
func TestTake(t *testing.T) {
	hls := testmedia.Make(t, "hls-black-first")
	raw := testmedia.Make(t, "black-first.264")
	rtsp := testserver.GStreamer{File: raw, Codec: "h264"}.Start(t)
	for _, url := range []string{
		testmedia.Make(t, "black-first.ts"), testmedia.Make(t, "black-first.mp4"), raw,
		testserver.Nginx(t, filepath.Dir(hls)) + "/index.m3u8",
		rtsp.URL("/live").String(),
	} {
		o := &Options{Tries: 4, NoMetadata: true}
		got, err := take(t, &decode.Decoder{}, url, o)
		if err != nil {
			t.Fatal(url, err)
		}
		m, err := jpeg.Decode(bytes.NewReader(got.Data))
		if err != nil || Blank(m) {
			t.Errorf("%s: blank, %v", url, err)
		}
		if live := strings.HasPrefix(url, "rtsp"); got.Skipped != 2 && !live || got.Skipped > 2 {
			t.Errorf("%s: %d skipped", url, got.Skipped)
		}
		if again, err := Make(t.Context(), &decode.Decoder{}, got.Snapshot, o); err != nil || !bytes.Equal(again, got.Data) {
			t.Errorf("%s: not what Make gives: %v", url, err)
		}
	}
	pool := &decode.Pool{}
	defer pool.Close()
	for f := JPEG; f <= MP4; f++ {
		for _, overlay := range []bool{false, f == JPEG || f == PNG} {
			o := &Options{Format: f, Tries: 3, Overlay: overlay, Name: "a name", Output: decode.Output{Width: 320, Height: 320, Fit: decode.Contain}}
			for _, d := range []Decoder{&decode.Decoder{}, pool} {
				got, err := take(t, d, testmedia.Make(t, "black-first.ts"), o)
				if err != nil || got.Skipped != 2 || len(got.Data) == 0 || got.Frame.Kind == keyframe.UnknownKind {
					t.Errorf("%v: %+v, %v", f, got, err)
				}
			}
		}
	}
}

// TestTakeDamaged proves that Take makes the picture of the next whole keyframe if the
// decoder finds one damaged, as that of 4:4:4, whose slices package keyframe does not
// follow. It says how many were if none is whole.
func TestTakeDamaged(t *testing.T) {
	data, err := os.ReadFile(testmedia.Make(t, "three-444.264"))
	if err != nil {
		t.Fatal(err)
	}
	whole := mustTake(t, data[startOf(data, 2):], false)
	for damaged := range 4 {
		broken := slices.Clone(data)
		for from := range damaged {
			at := startOf(data, from) + 3000
			copy(broken[at:at+400], bytes.Repeat([]byte{0x55}, 400))
		}

		for _, piped := range []bool{false, true} {
			got, err := takeBytes(t, broken, piped)
			switch {
			case damaged < 3 && err != nil:
				t.Errorf("%d of 3 damaged, piped %v: %v", damaged, piped, err)
			case damaged == 2 && !bytes.Equal(got.Data, whole.Data):
				t.Errorf("piped %v: another picture than the whole one", piped)
			case damaged == 3 && (!errors.Is(err, keyframe.ErrCorrupt) || !strings.Contains(err.Error(), "all 3 keyframes")):
				t.Errorf("piped %v: none is whole: %v", piped, err)
			}
		}
	}
}

// startOf returns where keyframe n of an H.264 byte stream begins.
func startOf(data []byte, n int) int {
	at := 0
	for ; n >= 0; n-- {
		at += 1 + bytes.Index(data[at+1:], []byte{0, 0, 1, 0x67})
	}
	return at
}

func mustTake(t *testing.T, data []byte, piped bool) *Taken {
	t.Helper()
	got, err := takeBytes(t, data, piped)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// takeBytes calls Take for a file or a pipe with data.
func takeBytes(t *testing.T, data []byte, piped bool) (*Taken, error) {
	t.Helper()
	url, o := "-", &kfgrab.Options{Stdin: bytes.NewReader(data)}
	if !piped {
		url, o = filepath.Join(t.TempDir(), "stream"), nil
		if err := os.WriteFile(url, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Take(t.Context(), &decode.Decoder{}, openStream(t, url, o), &Options{NoMetadata: true})
}

// counting counts decoded pictures.
type counting struct {
	decode.Decoder
	outputs []decode.Output
}

func (c *counting) Decode(ctx context.Context, w io.Writer, f *keyframe.Frame, o decode.Output) error {
	c.outputs = append(c.outputs, o)
	return c.Decoder.Decode(ctx, w, f, o)
}

// TestTakeDecodesLittle proves that a JPEG is decoded once. A format that Go
// cannot read is decoded small first, and in full only if it is not blank.
func TestTakeDecodesLittle(t *testing.T) {
	for _, tt := range []struct {
		format     Format
		all, small int
	}{{JPEG, 3, 0}, {RGB24, 3, 0}, {WebP, 4, 3}, {AnnexB, 3, 3}} {
		d := &counting{}
		if _, err := take(t, d, testmedia.Make(t, "black-first.ts"), &Options{Format: tt.format, Tries: 3}); err != nil {
			t.Fatal(err)
		}
		small := 0
		for _, o := range d.outputs {
			if o.Width == 64 {
				small++
			}
		}
		if len(d.outputs) != tt.all || small != tt.small {
			t.Errorf("%v: %+v", tt.format, d.outputs)
		}
	}
}

// With FrameOnly, Take decodes only what it judges.
func TestTakeFrameOnly(t *testing.T) {
	for _, tt := range []struct {
		format        Format
		tries, decode int
		data          bool
	}{
		{JPEG, 0, 0, false}, {WebP, 0, 0, false}, {JPEG, 3, 3, true}, {WebP, 3, 3, false}, {MP4, 3, 3, false},
	} {
		d := &counting{}
		o := &Options{Format: tt.format, Tries: tt.tries, FrameOnly: true}
		got, err := take(t, d, testmedia.Make(t, "black-first.ts"), o)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.outputs) != tt.decode || (len(got.Data) > 0) != tt.data || got.Snapshot == nil {
			t.Errorf("%v, %d tries: %d bytes, decoded %+v", tt.format, tt.tries, len(got.Data), d.outputs)
		}
	}
}

// TestTakeCrop proves that Take judges the part that is shown.
func TestTakeCrop(t *testing.T) {
	url := testmedia.Make(t, "h264.ts")
	crop, err := decode.ParseCrop("8x8+300+200")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []Format{JPEG, MP4} {
		o := &Options{Format: f, Tries: 2, Output: decode.Output{Crop: crop}}
		var blank *BlankError
		if _, err := take(t, &decode.Decoder{}, url, o); !errors.As(err, &blank) {
			t.Errorf("%v: four pixels of one colour: %v", f, err)
		}
	}
}

// TestTakeNone proves that if all keyframes are blank, the error says how many
// came, holds the last one, and gives the reason why no other followed.
func TestTakeNone(t *testing.T) {
	black := testmedia.Make(t, "black.ts")
	for _, tt := range []struct {
		tries, tried int
		text         string
	}{
		{2, 2, "black.ts: no keyframe that shows something: the 2 that came are black or of one brightness"},
		{1, 1, "the one that came is black"},
		{100, 3, "black.ts: no keyframe after the last one: this is the end of it (the 3 that came are black or of one brightness)"},
	} {
		_, err := take(t, &decode.Decoder{}, black, &Options{Tries: tt.tries})
		var blank *BlankError
		if !errors.As(err, &blank) || !strings.Contains(err.Error(), tt.text) || kfgrab.ClassOf(err) != kfgrab.NoKeyframe {
			t.Errorf("%d tries: %v", tt.tries, err)
			continue
		}
		if data, err := Make(t.Context(), &decode.Decoder{}, blank.Last, &Options{}); blank.Tried != tt.tried || err != nil || len(data) == 0 {
			t.Errorf("%d tries: %d, the last one %v", tt.tries, blank.Tried, err)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	d := &until{n: 2, end: func() { cancel(gone) }}
	_, err := Take(ctx, d, openStream(t, "-", &kfgrab.Options{Stdin: bytes.NewReader(nil)}), &Options{Tries: 9})
	var blank *BlankError
	if err == nil || errors.As(err, &blank) {
		t.Errorf("nothing at all: %v", err)
	}
	_, err = Take(ctx, d, openStream(t, black, nil), &Options{Tries: 9})
	if !errors.As(err, &blank) || blank.Tried < 2 || !errors.Is(err, gone) {
		t.Errorf("the end of the context: %v", err)
	}
	// Without tries, Take accepts a black keyframe.
	if got, err := take(t, &decode.Decoder{}, black, &Options{}); err != nil || got.Skipped != 0 || len(got.Data) == 0 {
		t.Errorf("without tries: %v", err)
	}
}

// until calls end at the nth picture, which is black.
type until struct {
	n   int
	end func()
}

func (u *until) Decode(_ context.Context, w io.Writer, f *keyframe.Frame, o decode.Output) error {
	if u.n--; u.n == 0 {
		u.end()
	}
	return new(decode.Decoder).Decode(context.Background(), w, f, o)
}
