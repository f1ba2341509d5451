package picture

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// tortureCount is how many damages TestTorture makes without KFGRAB_TORTURE.
const tortureCount = 60

// tortured are the clips that are damaged: elementary streams of one slice and of
// several a picture, and transport streams.
var tortured = []string{
	"h264.264", "sliced.264", "cavlc.264", "h264.ts", "slices.ts",
	"h265.265", "sliced.265", "cra.265", "h265.ts",
}

// The harms that may give another valid stream: a flipped sign of a coefficient, say.
const bitFlipped, byteChanged = "a bit flipped", "a byte changed"

// harms are what TestTorture does to the bytes of a stream from a place on, without a
// sign that they are missing.
var harms = []struct {
	name  string
	apply func(b []byte, at int, random *rand.Rand) []byte
}{
	{bitFlipped, func(b []byte, at int, random *rand.Rand) []byte { b[at] ^= 1 << random.IntN(8); return b }},
	{byteChanged, func(b []byte, at int, random *rand.Rand) []byte { b[at] ^= byte(1 + random.IntN(255)); return b }},
	{"bytes dropped", func(b []byte, at int, random *rand.Rand) []byte { return slices.Delete(b, at, at+1+random.IntN(1500)) }},
	{"packets dropped", func(b []byte, at int, random *rand.Rand) []byte {
		return slices.Delete(b, at, at+184*(1+random.IntN(5)))
	}},
	{"bytes zeroed", func(b []byte, at int, random *rand.Rand) []byte { clear(b[at : at+1+random.IntN(400)]); return b }},
	{"bytes repeated", func(b []byte, at int, random *rand.Rand) []byte {
		return slices.Insert(b, at, slices.Clone(b[at:at+1+random.IntN(1500)])...)
	}},
	{"bytes reordered", func(b []byte, at int, random *rand.Rand) []byte {
		n := 100 + random.IntN(900)
		slices.Reverse(b[at : at+n])
		slices.Reverse(b[at : at+n/2])
		slices.Reverse(b[at+n/2 : at+n])
		return b
	}},
}

// TestTorture damages streams at random places. A picture is that of a whole keyframe,
// and there is one whenever a later keyframe is whole. Of lost, zeroed, repeated and
// reordered bytes, 1 in 1,000 may give a torn picture. Of flipped bits and changed bytes,
// 1 in 15 may, since they can give another valid picture. KFGRAB_TORTURE is the number of
// damages.
func TestTorture(t *testing.T) {
	count := tortureCount
	if n, err := strconv.Atoi(os.Getenv("KFGRAB_TORTURE")); err == nil {
		count = n
	}
	pool := &decode.Pool{}
	defer pool.Close()

	var torn, flipped, needless []string
	flips := 0
	clips := make([]*tortureClip, len(tortured))
	for seed := range count {
		n := seed % len(tortured)
		if clips[n] == nil {
			clips[n] = newTortureClip(t, pool, tortured[n])
		}
		clip := clips[n]
		random := rand.New(rand.NewPCG(uint64(seed), 1))
		harm := harms[random.IntN(len(harms))]
		at := clip.begin + random.IntN(clip.size)
		isFlip := harm.name == bitFlipped || harm.name == byteChanged
		if isFlip {
			flips++
		}
		damaged := harm.apply(slices.Clone(clip.data), at, random)

		what := fmt.Sprintf("%s, seed %d, %s at %d", clip.name, seed, harm.name, at)
		s := openStream(t, "-", &kfgrab.Options{Stdin: bytes.NewReader(damaged)})
		taken, err := Take(t.Context(), pool, s, &Options{Format: RGB24})
		switch {
		case errors.Is(err, keyframe.ErrCorrupt), errors.Is(err, keyframe.ErrNotFound):
			needless = append(needless, what+": "+err.Error())
		case err != nil:
			t.Fatalf("%s: %v", what, err)
		case slices.ContainsFunc(clip.pictures, func(rgb []byte) bool { return bytes.Equal(rgb, taken.Data) }):
		case isFlip:
			flipped = append(flipped, what)
		default:
			torn = append(torn, what)
		}
	}

	t.Logf("%d of %d flips and %d of %d other damages torn, %d refused though a later keyframe is whole",
		len(flipped), flips, len(torn), count-flips, len(needless))
	if len(torn) > count/1000 || len(flipped) > 1+flips/15 || len(needless) > 0 {
		t.Errorf("torn: %q, %q\nrefused: %q", torn, flipped, needless)
	}
}

// tortureClip is a stream of several keyframes.
type tortureClip struct {
	name     string
	data     []byte
	pictures [][]byte // of its keyframes
	begin    int      // where the first slice of the first keyframe begins
	size     int      // of the slices of the first keyframe
}

func newTortureClip(t *testing.T, pool *decode.Pool, name string) *tortureClip {
	t.Helper()
	data, err := os.ReadFile(testmedia.Make(t, name))
	if err != nil {
		t.Fatal(err)
	}

	clip := &tortureClip{name: name, data: data}
	s := openStream(t, "-", &kfgrab.Options{Stdin: bytes.NewReader(data)})
	for snap, err := range s.Keyframes(t.Context()) {
		if err != nil {
			break
		}
		rgb, err := Make(t.Context(), pool, snap, &Options{Format: RGB24})
		if err != nil {
			t.Fatal(err)
		}
		clip.pictures = append(clip.pictures, rgb)

		for nal := range keyframe.AnnexB(snap.Frame.Data) {
			if len(clip.pictures) > 1 || !snap.Frame.Codec.IsSlice(nal) {
				continue
			}
			if clip.size += len(nal); clip.begin == 0 {
				clip.begin = bytes.Index(data, nal[:24])
			}
		}
	}
	if len(clip.pictures) < 2 || clip.begin < 0 {
		t.Fatalf("%s: %d keyframes, the first one at %d", name, len(clip.pictures), clip.begin)
	}
	return clip
}
