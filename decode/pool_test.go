package decode_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// result is all that a caller sees of a Decode.
type result struct {
	picture string
	corrupt bool
	err     error
}

func pooled(p *decode.Pool, f *keyframe.Frame, o decode.Output) result {
	var w bytes.Buffer
	err := p.Decode(context.Background(), &w, f, o)
	return result{w.String(), errors.Is(err, keyframe.ErrCorrupt), err}
}

func alone(f *keyframe.Frame, o decode.Output) result {
	var w bytes.Buffer
	err := new(decode.Decoder).Decode(context.Background(), &w, f, o)
	return result{w.String(), errors.Is(err, keyframe.ErrCorrupt), err}
}

func (r result) same(other result) bool {
	return r.picture == other.picture && r.corrupt == other.corrupt && (r.err == nil) == (other.err == nil)
}

// known are frames of a test stream whose ends are known.
func known(tb testing.TB, name string, c keyframe.Codec) []*keyframe.Frame {
	tb.Helper()
	all := stream(tb, name, c)
	for _, f := range all {
		f.OpenEnd = false
	}
	return all
}

// A pool's pictures are those of a Decoder, and come from processes that stay up.
func TestPool(t *testing.T) {
	for _, o := range []decode.Output{
		{},
		{Format: decode.PNG, Width: 320},
		{Format: decode.RGB24, Height: 90},
		{Format: decode.BGR24, Width: 33, Height: 55},
		{Format: decode.WebP, Width: 64, Height: 48, Quality: 50},
	} {
		t.Run(fmt.Sprint(o.Format), func(t *testing.T) {
			t.Parallel()
			pool, staying := decode.Pool{Size: 1}, int64(0)
			defer pool.Close()
			for _, c := range streams {
				if c.codec != keyframe.H264 {
					continue
				}
				staying++
				all := known(t, c.name, c.codec)
				for _, f := range append(all, all[0]) {
					if got, want := pooled(&pool, f, o), alone(f, o); !got.same(want) || got.err != nil {
						t.Errorf("%s: %v, or another picture than %v", c.name, got.err, want.err)
					}
				}
			}
			if s := pool.Stats(); s.Alone > 0 || s.Discarded > 0 || s.Started != staying {
				t.Errorf("%+v of %d streams", s, staying)
			}
		})
	}
}

// Frames of which a decoder that stays up might not tell what is missing are given
// to one of their own.
func TestPoolOfFramesThatDecodeAlone(t *testing.T) {
	var pool decode.Pool
	defer pool.Close()
	o, alones := decode.Output{Format: decode.RGB24, Width: 64, Height: 48}, int64(0)
	for name, codec := range map[string]keyframe.Codec{"h265.265": keyframe.H265, "refresh.264": keyframe.H264, "open-gop.264": keyframe.H264} {
		all := stream(t, name, codec)
		f := all[len(all)-1]
		if f.Codec == keyframe.H264 && f.Kind == keyframe.IDR {
			t.Fatalf("%s: kind %v", name, f.Kind)
		}
		if got, want := pooled(&pool, f, o), alone(f, o); !got.same(want) || got.err != nil {
			t.Errorf("%s, %v: %v, or another picture than %v", name, f.Kind, got.err, want.err)
		}
		alones++
	}
	if s := pool.Stats(); s.Alone != alones || s.Started != 0 {
		t.Errorf("%+v", s)
	}
}

// Real streams give the pictures that they give alone, the second time as well.
func TestPoolCorpus(t *testing.T) {
	var pool decode.Pool
	defer pool.Close()
	for _, file := range testmedia.MustCorpus(t, "annexb") {
		if file.Expect != "picture" {
			continue
		}
		data, err := os.ReadFile(file.Path)
		if err != nil {
			t.Fatal(err)
		}
		c := keyframe.H264
		if file.Codec == "hevc" {
			c = keyframe.H265
		}
		f := frames(data, c)[0]
		f.OpenEnd = false
		o := decode.Output{Format: decode.RGB24}
		want := alone(f, o)
		for range 2 {
			if got := pooled(&pool, f, o); !got.same(want) {
				t.Errorf("%s: %v, or another picture than %v", file.Name, got.err, want.err)
			}
		}
	}
	t.Logf("%+v", pool.Stats())
}

// broken makes of one access unit what no encoder sends.
var broken = []struct {
	name string
	do   func(data, other []byte, r *rand.Rand) []byte
}{
	{"half", func(data, _ []byte, _ *rand.Rand) []byte { return data[:len(data)/2] }},
	{"cut", func(data, _ []byte, r *rand.Rand) []byte { return data[:r.IntN(len(data))] }},
	{"bit", func(data, _ []byte, r *rand.Rand) []byte {
		data[r.IntN(len(data))] ^= 1 << r.IntN(8)
		return data
	}},
	{"bits of the parameter sets", func(data, _ []byte, r *rand.Rand) []byte {
		data[4+r.IntN(60)] ^= 1 << r.IntN(8)
		return data
	}},
	{"zeros", func(data, _ []byte, r *rand.Rand) []byte {
		clear(data[r.IntN(len(data)):])
		return data
	}},
	{"a slice less", func(data, _ []byte, r *rand.Rand) (out []byte) {
		var slices int
		for nalu := range keyframe.AnnexB(data) {
			if nalu[0]&0x1f == 5 {
				slices++
			}
		}
		lost := r.IntN(slices)
		for nalu := range keyframe.AnnexB(data) {
			if nalu[0]&0x1f == 5 {
				if lost--; lost == -1 {
					continue
				}
			}
			out = keyframe.AppendNALU(out, nalu)
		}
		return out
	}},
	{"no slice", func(data, _ []byte, _ *rand.Rand) []byte { return data[:40] }},
	{"twice", func(data, _ []byte, _ *rand.Rand) []byte { return append(data, data...) }},
	{"two pictures", func(data, other []byte, _ *rand.Rand) []byte { return append(data, other...) }},
	{"cut, and another picture", func(data, other []byte, r *rand.Rand) []byte {
		return append(data[:r.IntN(len(data))], other...)
	}},
	{"text", func([]byte, []byte, *rand.Rand) []byte { return []byte("<html>not found</html>") }},
}

// The answer to a frame is never taken for that to another, whatever comes between:
// each is what it would be alone.
func TestPoolPairs(t *testing.T) {
	for _, name := range []string{"h264.264", "live-slices.264", "10bit.264"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := decode.Pool{Size: 1}
			defer pool.Close()
			o := decode.Output{Format: decode.RGB24, Width: 64, Height: 48}
			all := known(t, name, keyframe.H264)
			random := rand.New(rand.NewPCG(1, 2))
			good := make([]result, len(all))
			for k, f := range all {
				good[k] = alone(f, o)
			}
			for n, kind := range broken {
				k := n % len(all)
				if got := pooled(&pool, all[k], o); got.err != nil || !got.same(good[k]) {
					t.Fatalf("before %q: %v, or another picture", kind.name, got.err)
				}
				bad := *all[k]
				bad.Data = kind.do(bytes.Clone(bad.Data), all[(k+1)%len(all)].Data, random)
				if got, want := pooled(&pool, &bad, o), alone(&bad, o); !got.same(want) {
					t.Fatalf("%q: %v, %d bytes; alone: %v, %d bytes", kind.name, got.err, len(got.picture), want.err, len(want.picture))
				}
			}
			t.Logf("%+v", pool.Stats())
		})
	}
}

// Four sizes, a tenth broken, more callers than processes: all good ones exact, and
// nothing left.
func TestPoolMixed(t *testing.T) { mixed(t, 60) }

// mixed decodes n frames and returns when the pool is closed.
func mixed(tb testing.TB, n int) decode.PoolStats {
	var all []*keyframe.Frame
	for _, name := range []string{"h264.264", "sar43.264", "10bit.264", "1080p.264"} {
		all = append(all, known(tb, name, keyframe.H264)...)
	}
	o := decode.Output{Width: 320}
	want := make([]result, len(all))
	for k, f := range all {
		want[k] = alone(f, o)
	}
	pool := decode.Pool{Size: 2}
	defer pool.Close()
	work, failed := make(chan int), make(chan error, n)
	for range 5 {
		go func() {
			for k := range work {
				f := *all[k%len(all)]
				if k%10 == 3 {
					f.Data = f.Data[:len(f.Data)/2]
					if got := pooled(&pool, &f, o); !got.corrupt || got.picture != "" {
						failed <- fmt.Errorf("broken frame %d: %v, %d bytes", k, got.err, len(got.picture))
						continue
					}
				} else if got := pooled(&pool, &f, o); !got.same(want[k%len(all)]) {
					failed <- fmt.Errorf("frame %d: %v, or another picture", k, got.err)
					continue
				}
				failed <- nil
			}
		}()
	}
	for k := range n {
		work <- k
	}
	close(work)
	for range n {
		if err := <-failed; err != nil {
			tb.Error(err)
		}
	}
	return pool.Stats()
}

func TestPoolIdle(t *testing.T) {
	f, before := known(t, "h264.264", keyframe.H264)[0], children(t)
	pool := decode.Pool{Idle: time.Millisecond}
	defer pool.Close()
	for range 2 {
		if got := pooled(&pool, f, decode.Output{}); got.err != nil {
			t.Fatal(got.err)
		}
		for deadline := time.Now().Add(10 * time.Second); children(t) > before; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("an idle process stays")
			}
		}
	}
	if s := pool.Stats(); s.Started != 2 || s.Warm != 2 {
		t.Errorf("%+v", s)
	}
}

func TestPoolClosed(t *testing.T) {
	f, before := known(t, "h264.264", keyframe.H264)[0], children(t)
	var pool decode.Pool
	if got := pooled(&pool, f, decode.Output{}); got.err != nil {
		t.Error(got.err)
	}
	if n := children(t); n != before+1 {
		t.Errorf("%d children, %d before: want one that stays up", n, before)
	}
	pool.Close()
	if n := children(t); n != before {
		t.Errorf("%d children, %d before", n, before)
	}
	if got := pooled(&pool, f, decode.Output{}); !errors.Is(got.err, os.ErrClosed) {
		t.Error(got.err)
	}
	pool.Close()
}

// Bad requests are refused as by a Decoder.
func TestPoolRefuses(t *testing.T) {
	var pool decode.Pool
	defer pool.Close()
	f := *known(t, "h264.264", keyframe.H264)[0]
	if got := pooled(&pool, &f, decode.Output{Width: -1}); got.err == nil {
		t.Error("a negative width")
	}
	f.Info.CodedWidth, f.Info.CodedHeight = 16384, 16384
	if got := pooled(&pool, &f, decode.Output{}); !errors.Is(got.err, keyframe.ErrUnsupported) {
		t.Error(got.err)
	}
	if s := pool.Stats(); s != (decode.PoolStats{}) {
		t.Errorf("%+v", s)
	}
}

// Whatever the access unit, a pool says of it what a Decoder says.
func FuzzPool(f *testing.F) {
	whole := known(f, "h264.264", keyframe.H264)[0]
	sliced := known(f, "live-slices.264", keyframe.H264)[0]
	for _, at := range []int{10, 40, 900, 5000} {
		f.Add(false, at, byte(1))
		f.Add(true, at, byte(0x80))
	}
	o := decode.Output{Format: decode.RGB24, Width: 64, Height: 48}
	var pool decode.Pool
	f.Cleanup(func() { pool.Close() })
	f.Fuzz(func(t *testing.T, slices bool, at int, flip byte) {
		good := whole
		if slices {
			good = sliced
		}
		bad := *good
		bad.Data = bytes.Clone(bad.Data)
		for k := range 4 {
			bad.Data[uint(at+k*k*37)%uint(len(bad.Data))] ^= flip
		}
		if got, want := pooled(&pool, &bad, o), alone(&bad, o); !got.same(want) {
			t.Errorf("%v, %d bytes; alone: %v, %d bytes", got.err, len(got.picture), want.err, len(want.picture))
		}
		if got := pooled(&pool, good, o); got.err != nil {
			t.Errorf("the good frame behind it: %v", got.err)
		}
	})
}
