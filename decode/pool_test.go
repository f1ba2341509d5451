package decode_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/keyframe"
)

// result is everything that a caller sees of a Decode.
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

// patient gives warm processes a minute, so that a busy machine kills none.
var patient = decode.Decoder{Timeout: 10 * time.Minute}

// known returns the frames of a test stream, all with known ends.
func known(tb testing.TB, name string, c keyframe.Codec) []*keyframe.Frame {
	tb.Helper()
	all := stream(tb, name, c)
	for _, f := range all {
		f.OpenEnd = false
	}
	return all
}

// TestPool proves that a pool's pictures equal a Decoder's, and come from warm
// processes.
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
			pool := decode.Pool{Size: 1, Decoder: patient}
			defer pool.Close()
			for _, c := range streams {
				var all []*keyframe.Frame
				var wants []result
				for _, f := range known(t, c.name, c.codec) {
					all, wants = append(all, f), append(wants, alone(f, o))
				}
				all, wants = append(all, all[0]), append(wants, wants[0])

				for k, f := range all {
					if got := pooled(&pool, f, o); !got.same(wants[k]) || got.err != nil {
						t.Errorf("%s: %v, or another picture than %v", c.name, got.err, wants[k].err)
					}
				}
			}
			if s := pool.Stats(); s.Alone > 0 || s.Discarded > 0 || s.Started != int64(len(streams)) {
				t.Errorf("%+v of %d streams", s, len(streams))
			}
		})
	}
}

// TestPoolKinds proves that warm processes also decode pictures that need a
// decoder without earlier state, and return the same picture in any order.
func TestPoolKinds(t *testing.T) {
	cra := known(t, "cra.265", keyframe.H265)
	for _, c := range []struct {
		name   string
		frames []*keyframe.Frame
		kind   keyframe.Kind
	}{
		{"recovery points", known(t, "open-gop.264", keyframe.H264), keyframe.RecoveryPoint},
		{"lone", lone(known(t, "open-gop.264", keyframe.H264)), keyframe.Intra},
		{"CRA", cra, keyframe.CRA},
		{"BLA", broken265(cra), keyframe.BLA},
		{"slices", known(t, "slices.265", keyframe.H265), keyframe.CRA},
		{"fields", known(t, "fields.265", keyframe.H265), keyframe.CRA},
		{"HDR", known(t, "pq.265", keyframe.H265), keyframe.IDR},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			pool := decode.Pool{Size: 1, Decoder: patient}
			defer pool.Close()
			o := decode.Output{Format: decode.RGB24, Width: 320}
			random, times := rand.New(rand.NewPCG(1, 2)), int64(0)
			for range 2 {
				for _, k := range random.Perm(len(c.frames)) {
					f := c.frames[k]
					if got, want := pooled(&pool, f, o), alone(f, o); !got.same(want) || got.err != nil {
						t.Errorf("%v: %v, or another picture than %v", f.Kind, got.err, want.err)
					}
					times++
				}
			}
			if f := c.frames[len(c.frames)-1]; f.Kind != c.kind {
				t.Errorf("kind %v", f.Kind)
			}
			if s := pool.Stats(); s.Warm != times || s.Started != 1 {
				t.Errorf("%+v of %d", s, times)
			}
		})
	}
}

// lone removes the SEI messages, so that nothing promises a clean start.
func lone(all []*keyframe.Frame) (out []*keyframe.Frame) {
	for _, f := range all {
		var data []byte
		for nalu := range keyframe.AnnexB(f.Data) {
			if nalu[0]&0x1f != 6 {
				data = keyframe.AppendNALU(data, nalu)
			}
		}
		if one := frames(data, keyframe.H264); len(one) == 1 {
			one[0].OpenEnd = false
			out = append(out, one[0])
		}
	}
	return out
}

// broken265 turns CRA pictures into BLA pictures, whose slices are the same.
func broken265(all []*keyframe.Frame) (out []*keyframe.Frame) {
	const cra, bla = 21, 16
	for _, f := range all {
		var data []byte
		for nalu := range keyframe.AnnexB(f.Data) {
			if nalu = bytes.Clone(nalu); nalu[0]>>1 == cra {
				nalu[0] = bla << 1
			}
			data = keyframe.AppendNALU(data, nalu)
		}
		one := frames(data, keyframe.H265)[0]
		one.OpenEnd = false
		out = append(out, one)
	}
	return out
}

// TestPoolOfFramesThatDecodeAlone proves that frames of several pictures, and
// frames to deinterlace, get a process of their own.
func TestPoolOfFramesThatDecodeAlone(t *testing.T) {
	pool := decode.Pool{Decoder: patient}
	defer pool.Close()
	o, alones := decode.Output{Format: decode.RGB24, Width: 64, Height: 48}, int64(0)
	for _, f := range []*keyframe.Frame{
		stream(t, "refresh.264", keyframe.H264)[1], stream(t, "tff.264", keyframe.H264)[0],
		saysInterlaced(stream(t, "woven.265", keyframe.H265)[0]),
	} {
		if got, want := pooled(&pool, f, o), alone(f, o); !got.same(want) || got.err != nil {
			t.Errorf("%v, %v: %v, or another picture than %v", f.Codec, f.Kind, got.err, want.err)
		}
		alones++
	}
	if s := pool.Stats(); s.Alone != alones || s.Started != 0 {
		t.Errorf("%+v", s)
	}
}

// TestPoolDoubts proves that a warm process decodes H.265 with an open end
// twice, and returns the picture or reports that it is cut.
func TestPoolDoubts(t *testing.T) {
	pool := decode.Pool{Size: 1, Decoder: patient}
	defer pool.Close()
	o := decode.Output{Format: decode.RGB24, Width: 64, Height: 48}
	f := *known(t, "no-wpp.265", keyframe.H265)[0]
	f.OpenEnd = true
	cut := f
	cut.Data = f.Data[:len(f.Data)*3/4]
	sure := cut
	sure.OpenEnd = false
	if got := pooled(&pool, &sure, o); got.err != nil {
		t.Fatalf("nothing tells that it is cut, but %v", got.err)
	}
	for _, f := range []*keyframe.Frame{&f, &f, &cut, &f} {
		if got, want := pooled(&pool, f, o), alone(f, o); !got.same(want) || got.corrupt != (f == &cut) {
			t.Errorf("%d bytes: %v; alone: %v", len(f.Data), got.err, want.err)
		}
	}
	if s := pool.Stats(); s.Warm != 4 || s.Alone != 1 || s.Started != 2 {
		t.Errorf("%+v", s)
	}
}

// TestPoolForgetsSEI proves that one picture's SEI messages do not affect the
// next.
func TestPoolForgetsSEI(t *testing.T) {
	const prefixSEI265, sei264 = "4e01", "06"
	grain := "130a" + "00a00200ff0190100860" // film grain
	hlg := "930112"                          // another transfer function
	for _, c := range []struct {
		name, sei string
		frame     *keyframe.Frame
	}{
		{"film grain, H.264", sei264 + grain, known(t, "h264.264", keyframe.H264)[0]},
		{"film grain, H.265", prefixSEI265 + grain, known(t, "bare-hd.265", keyframe.H265)[0]},
		{"transfer function", prefixSEI265 + hlg, known(t, "pq.265", keyframe.H265)[0]},
	} {
		t.Run(c.name, func(t *testing.T) {
			message, err := hex.DecodeString(c.sei + "80")
			if err != nil {
				t.Fatal(err)
			}
			told := *c.frame
			told.Data = behindSets(c.frame, message)
			pool := decode.Pool{Size: 1, Decoder: patient}
			defer pool.Close()
			o := decode.Output{Format: decode.RGB24}
			other, want := alone(&told, o), alone(c.frame, o)
			if other.err != nil || other.same(want) {
				t.Fatalf("the message changes nothing, %v", other.err)
			}
			for n, want := range []result{want, other, want, other} {
				f := c.frame
				if n%2 == 1 {
					f = &told
				}
				if got := pooled(&pool, f, o); got.err != nil || !got.same(want) {
					t.Errorf("picture %d: %v, or another one", n, got.err)
				}
			}
			if s := pool.Stats(); s.Warm != 4 || s.Started != 1 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// behindSets inserts a NAL unit after the parameter sets of a frame.
func behindSets(f *keyframe.Frame, nalu []byte) (data []byte) {
	for next := range keyframe.AnnexB(f.Data) {
		if isSlice(f.Codec, next) && nalu != nil {
			data, nalu = keyframe.AppendNALU(data, nalu), nil
		}
		data = keyframe.AppendNALU(data, next)
	}
	return data
}

// isSlice checks nal_unit_type (ISO/IEC 14496-10 and 23008-2, table 7-1).
func isSlice(c keyframe.Codec, nalu []byte) bool {
	if c == keyframe.H265 {
		return nalu[0]>>1 < 32
	}
	return nalu[0]&0x1f == 1 || nalu[0]&0x1f == 5
}

// TestPoolCorpus proves that real streams decode in a pool as they do alone,
// the second time too.
func TestPoolCorpus(t *testing.T) {
	pool := decode.Pool{Decoder: patient}
	defer pool.Close()
	for _, f := range corpusFrames(t) {
		f.OpenEnd = false
		o := decode.Output{Format: decode.RGB24}
		want := alone(f.Frame, o)
		for range 2 {
			if got := pooled(&pool, f.Frame, o); !got.same(want) {
				t.Errorf("%s: %v, or another picture than %v", f.name, got.err, want.err)
			}
		}
	}
	t.Logf("%+v", pool.Stats())
}

// broken are ways to turn an access unit into one that no encoder sends.
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
	{"a slice less", func(data, _ []byte, r *rand.Rand) []byte {
		all, slices := split(data)
		lost := slices[r.IntN(len(slices))]
		return bytes.Join(append(all[:lost:lost], all[lost+1:]...), nil)
	}},
	{"the first slice alone", func(data, _ []byte, r *rand.Rand) []byte {
		all, slices := split(data)
		return bytes.Join(all[:slices[0]+1], nil)
	}},
	{"a slice of another picture", func(data, other []byte, r *rand.Rand) []byte {
		all, slices := split(data)
		others, otherSlices := split(other)
		k := r.IntN(min(len(slices), len(otherSlices)))
		all[slices[k]] = others[otherSlices[k]]
		return bytes.Join(all, nil)
	}},
	{"no slice", func(data, _ []byte, _ *rand.Rand) []byte { return data[:40] }},
	{"twice", func(data, _ []byte, _ *rand.Rand) []byte { return append(data, data...) }},
	{"two pictures", func(data, other []byte, _ *rand.Rand) []byte { return append(data, other...) }},
	{"cut, and another picture", func(data, other []byte, r *rand.Rand) []byte {
		return append(data[:r.IntN(len(data))], other...)
	}},
	{"text", func([]byte, []byte, *rand.Rand) []byte { return []byte("<html>not found</html>") }},
}

// split returns the NAL units of an access unit with their start codes, and the
// indices of the slices.
func split(data []byte) (all [][]byte, slices []int) {
	const vps, startCode = 32, 4
	c := keyframe.H264
	if data[startCode]>>1 == vps {
		c = keyframe.H265
	}
	for nalu := range keyframe.AnnexB(data) {
		if isSlice(c, nalu) {
			slices = append(slices, len(all))
		}
		all = append(all, keyframe.AppendNALU(nil, nalu))
	}
	return all, slices
}

// TestPoolPairs proves that a frame never gets another frame's picture,
// whatever precedes it: each result equals that of decoding alone.
func TestPoolPairs(t *testing.T) {
	for _, c := range []struct {
		codec keyframe.Codec
		names []string // streams with the same parameter sets
	}{
		{keyframe.H264, []string{"live-slices.264", "white.264"}},
		{keyframe.H264, []string{"10bit.264"}},
		{keyframe.H264, []string{"open-gop.264"}},
		{keyframe.H265, []string{"no-wpp.265"}},
		{keyframe.H265, []string{"slices.265", "white.265"}},
	} {
		t.Run(c.names[0], func(t *testing.T) {
			t.Parallel()
			pool := decode.Pool{Size: 1, Decoder: patient}
			defer pool.Close()
			o := decode.Output{Format: decode.RGB24, Width: 64, Height: 48}
			var all []*keyframe.Frame
			for _, name := range c.names {
				all = append(all, known(t, name, c.codec)...)
			}
			random := rand.New(rand.NewPCG(1, 2))
			random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
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
					t.Errorf("%q: %v, %d bytes; alone: %v, %d bytes", kind.name, got.err, len(got.picture), want.err, len(want.picture))
				}
			}
			t.Logf("%+v", pool.Stats())
		})
	}
}

// TestPoolMixed decodes four sizes of both codecs and frames of all kinds, a
// tenth of them broken, with more callers than processes. All good frames must
// be exact, and no process may be left.
func TestPoolMixed(t *testing.T) { mixed(t, 50) }

// mixed decodes n frames, closes the pool and returns its statistics.
func mixed(tb testing.TB, n int) decode.PoolStats {
	var all []*keyframe.Frame
	for name, c := range map[string]keyframe.Codec{
		"open-gop.264": keyframe.H264, "bare-sd.264": keyframe.H264, "10bit.264": keyframe.H264, "1080p.264": keyframe.H264,
		"cra.265": keyframe.H265, "bare-hd.265": keyframe.H265, "10bit.265": keyframe.H265, "1080p.265": keyframe.H265,
	} {
		all = append(all, known(tb, name, c)...)
	}
	halves := make([]*keyframe.Frame, len(all))
	o := decode.Output{Width: 320}
	want, wantHalf := make([]result, len(all)), make([]result, len(all))
	for k, f := range all {
		half := *f
		half.Data = f.Data[:len(f.Data)/2]
		halves[k] = &half
		want[k], wantHalf[k] = alone(f, o), alone(&half, o)
	}
	pool := decode.Pool{Size: 2}
	defer pool.Close()
	work, failed := make(chan int), make(chan error, n)
	for range 5 {
		go func() {
			for k := range work {
				f, want := all[k%len(all)], want[k%len(all)]
				if k%10 == 3 {
					f, want = halves[k%len(all)], wantHalf[k%len(all)]
				}
				if got := pooled(&pool, f, o); !got.same(want) {
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
	pool := decode.Pool{Idle: time.Millisecond, Decoder: patient}
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
	pool := decode.Pool{Decoder: patient}
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

// TestPoolRefuses proves that a pool refuses the same requests as a Decoder.
func TestPoolRefuses(t *testing.T) {
	pool := decode.Pool{Decoder: patient}
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

// FuzzPool checks that a pool and a Decoder return the same for any access
// unit.
func FuzzPool(f *testing.F) {
	streams := [][]*keyframe.Frame{
		known(f, "h264.264", keyframe.H264),
		append(known(f, "live-slices.264", keyframe.H264), known(f, "white.264", keyframe.H264)...),
		known(f, "open-gop.264", keyframe.H264),
		append(known(f, "slices.265", keyframe.H265), known(f, "white.265", keyframe.H265)...),
		known(f, "cra.265", keyframe.H265),
	}
	for n := range streams {
		for _, at := range []int{10, 900} {
			f.Add(n, at, byte(1))
			f.Add(n, at, byte(0x80))
		}
	}
	o := decode.Output{Format: decode.RGB24, Width: 64, Height: 48}
	pool := decode.Pool{Decoder: patient}
	f.Cleanup(func() { pool.Close() })
	goods := map[*keyframe.Frame]result{}
	f.Fuzz(func(t *testing.T, n, at int, flip byte) {
		all := streams[uint(n)%uint(len(streams))]
		bad, good := *all[uint(at)%uint(len(all))], all[uint(at)/2%uint(len(all))]
		bad.Data = bytes.Clone(bad.Data)
		for k := range 4 {
			bad.Data[uint(at+k*k*37)%uint(len(bad.Data))] ^= flip
		}
		if got, want := pooled(&pool, &bad, o), alone(&bad, o); !got.same(want) {
			t.Errorf("%v, %d bytes; alone: %v, %d bytes", got.err, len(got.picture), want.err, len(want.picture))
		}
		if _, known := goods[good]; !known {
			goods[good] = alone(good, o)
		}
		if got := pooled(&pool, good, o); got.err != nil || !got.same(goods[good]) {
			t.Errorf("the good frame behind it: %v, or another picture", got.err)
		}
	})
}
