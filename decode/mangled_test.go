package decode_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/keyframe"
)

// mangled damages the bytes of an access unit in one of the ways that occur in
// transit.
func mangled(r *rand.Rand, c keyframe.Codec, data []byte) []byte {
	b := bytes.Clone(data)
	from := r.IntN(len(b))
	to := min(len(b), from+1+r.IntN(200))
	switch r.IntN(7) {
	case 0:
		flip(r, b, 1+r.IntN(32))
	case 1:
		for k := range b[from:to] {
			b[from+k] = byte(r.Uint32())
		}
	case 2:
		return b[:from]
	case 3:
		return slices.Delete(b, from, to)
	case 4:
		return slices.Insert(b, from, b[from:to]...)
	case 5:
		return withSets(c, data, func(set []byte) []byte { flip(r, set[2:], 1+r.IntN(8)); return set })
	case 6:
		return withSets(c, data, func(set []byte) []byte {
			for k := range set[4:] {
				set[4+k] = byte(r.Uint32())
			}
			return set
		})
	}
	return b
}

func flip(r *rand.Rand, b []byte, n int) {
	for range n {
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
	}
}

// withSets applies change to the parameter sets of an access unit.
func withSets(c keyframe.Codec, data []byte, change func([]byte) []byte) (out []byte) {
	for nalu := range keyframe.AnnexB(data) {
		isSet := nalu[0]&0x1f == 7 || nalu[0]&0x1f == 8 // H.264's SPS and PPS
		if c == keyframe.H265 {
			isSet = nalu[0]>>1 >= 32 && nalu[0]>>1 <= 34 // VPS, SPS, PPS
		}
		if isSet && len(nalu) > 4 {
			nalu = change(bytes.Clone(nalu))
		}
		out = keyframe.AppendNALU(out, nalu)
	}
	return out
}

// decoding is a Decoder or a Pool.
type decoding interface {
	Decode(context.Context, io.Writer, *keyframe.Frame, decode.Output) error
}

// tally counts the outcomes of mangled access units.
type tally struct {
	sync.Mutex
	tried, pictures, refused, unread int
	slowest                          time.Duration
}

func (s *tally) next() int {
	s.Lock()
	defer s.Unlock()
	s.tried++
	return s.tried
}

// try decodes one frame and returns an error if the outcome is not allowed.
func (s *tally) try(d decoding, f *keyframe.Frame) error {
	if f == nil {
		s.Lock()
		defer s.Unlock()
		s.unread++
		return nil
	}
	const hang = time.Minute // a decode takes less than a second on an idle machine
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	o := decode.Output{Format: decode.RGB24, Width: 64, Height: 48}
	var w bytes.Buffer
	began := time.Now()
	err := d.Decode(ctx, &w, f, o)
	s.Lock()
	defer s.Unlock()
	s.slowest = max(s.slowest, time.Since(began))
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return err
	case err == nil && w.Len() != 3*o.Width*o.Height, err != nil && w.Len() > 0:
		return fmt.Errorf("%d bytes and error %v", w.Len(), err)
	case err == nil:
		s.pictures++
	default:
		s.refused++
	}
	return nil
}

// TestMangled proves that a Decoder and a Pool soon return an error or a
// picture of the requested size, whatever happened to an access unit and
// whatever it says about itself. No process may be left. KFGRAB_MANGLED sets
// the number of tries.
func TestMangled(t *testing.T) {
	tries, err := strconv.Atoi(os.Getenv("KFGRAB_MANGLED"))
	if err != nil {
		tries = 100
	}
	good := []*keyframe.Frame{
		stream(t, "tiny.264", keyframe.H264)[0], stream(t, "no-wpp.265", keyframe.H265)[0], stream(t, "tff.264", keyframe.H264)[0],
		stream(t, "h264.264", keyframe.H264)[0], stream(t, "10bit.265", keyframe.H265)[0],
	}
	pool := &decode.Pool{}
	either := [2]decoding{pool, &decode.Decoder{}}
	var s tally
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for n := s.next(); n <= tries; n = s.next() {
				if err := s.try(either[n%2], mangledFrame(rand.New(rand.NewPCG(3, uint64(n))), good)); err != nil {
					t.Errorf("%d: %v", n, err)
				}
			}
		})
	}
	workers.Wait()
	pool.Close()
	t.Logf("%d pictures, %d errors, %d not to be read at all; the slowest took %v", s.pictures, s.refused, s.unread, s.slowest)
	if n := children(t); n > 0 {
		t.Errorf("%d children are left", n)
	}
}

// mangledFrame mangles a random frame. It returns either the frame with its
// damaged data, as if the reader had not seen the damage, or what a reader
// finds in the data, nil if nothing.
func mangledFrame(r *rand.Rand, good []*keyframe.Frame) *keyframe.Frame {
	f := *good[r.IntN(len(good))]
	f.Data = mangled(r, f.Codec, f.Data)
	f.OpenEnd = r.IntN(2) == 0
	if r.IntN(2) == 0 {
		return &f
	}
	if all := frames(f.Data, f.Codec); len(all) > 0 {
		return all[0]
	}
	return nil
}
