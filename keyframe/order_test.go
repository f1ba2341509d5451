package keyframe_test

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

// handmade are NAL units of H.264 with just enough in them to be told apart: an SPS
// with adaptive fields, since the slice data of others is checked, picture parameter sets
// and heads of slices.
var handmade = map[string][]byte{
	"sps":   unit264(0x67, bits(77, 8)+bits(0, 8)+bits(30, 8)+ue(0)+ue(0)+ue(2)+ue(1)+"0"+ue(7)+ue(7)+"011"+"00"),
	"pps0":  pps264(0, 0),
	"pps0'": pps264(0, 3),
	"pps1":  pps264(1, 0),
	"sei":   unit264(0x06, bits(5, 8)+bits(1, 8)+bits(9, 8)),
	"sei2":  unit264(0x06, bits(6, 8)+bits(2, 8)+ue(2)+"1000"+bits(0x80, 8)), // a recovery point two pictures later
	"aud":   {0x09, 0x10},
	"other": {0x0c, 0xff}, // filler data

	"idr-top":     slice264(0x65, 0, 7, 0, 0, "10"+ue(0)),
	"idr-bottom":  slice264(0x65, 0, 7, 0, 0, "11"+ue(0)),
	"p-bottom":    slice264(0x61, 0, 5, 0, 0, "11"),
	"p-bottom/1":  slice264(0x61, 0, 5, 1, 0, "11"),
	"idr":         slice264(0x65, 0, 7, 0, 0, "0"+ue(0)),
	"idr@40":      slice264(0x65, 40, 7, 0, 0, "0"+ue(0)),
	"idr@80":      slice264(0x65, 80, 7, 0, 0, "0"+ue(0)),
	"p1":          slice264(0x61, 0, 5, 0, 1, "0"),
	"p1@40":       slice264(0x61, 40, 5, 0, 1, "0"),
	"p2":          slice264(0x61, 0, 5, 0, 2, "0"),
	"p3":          slice264(0x61, 0, 5, 0, 3, "0"),
	"i4":          slice264(0x61, 0, 7, 0, 4, "0"),
	"i4@40":       slice264(0x61, 40, 7, 0, 4, "0"),
	"i5":          slice264(0x61, 0, 7, 0, 5, "0"),
	"i6":          slice264(0x61, 0, 7, 0, 6, "0"),
	"idr-without": slice264(0x65, 0, 7, 9, 0, "0"+ue(0)), // refers to a PPS that never comes
}

func slice264(header byte, firstMb, kind, pps, frameNum int, rest string) []byte {
	return unit264(header, ue(firstMb)+ue(kind)+ue(pps)+bits(frameNum, 4)+rest+strings.Repeat("10110", 40))
}

func pps264(id, chromaOffset int) []byte {
	return unit264(0x68, ue(id)+ue(0)+"00"+ue(0)+ue(0)+ue(0)+"000"+ue(0)+ue(0)+ue(2*chromaOffset)+"100")
}

// unit264 adds the header and the stop bit.
func unit264(header byte, rbsp string) []byte {
	rbsp += "1"
	rbsp += strings.Repeat("0", (8-len(rbsp)%8)%8)
	nalu := []byte{header}
	for at := 0; at < len(rbsp); at += 8 {
		b, _ := strconv.ParseUint(rbsp[at:at+8], 2, 8)
		nalu = append(nalu, byte(b))
	}
	return nalu
}

func bits(v, n int) string {
	return strings.Repeat("0", n-len(strconv.FormatInt(int64(v), 2))) + strconv.FormatInt(int64(v), 2)
}

func ue(v int) string {
	code := strconv.FormatInt(int64(v+1), 2)
	return strings.Repeat("0", len(code)-1) + code
}

// unitNames returns the names of the NAL units of a frame.
func unitNames(f *keyframe.Frame) string {
	var names []string
	for nalu := range keyframe.AnnexB(f.Data) {
		for name, unit := range handmade {
			if bytes.Equal(nalu, unit) {
				names = append(names, name)
			}
		}
	}
	return strings.Join(names, " ")
}

// TestOrderOfUnits proves that the parameter sets of a frame stand where they came,
// and which units belong to one picture.
func TestOrderOfUnits(t *testing.T) {
	for _, test := range []struct {
		name, stream string
		want         []string
	}{
		{"set changes between fields", "sps pps0 idr-top pps0' p-bottom aud", []string{"sps pps0 idr-top pps0' p-bottom"}},
		{"changes before an SEI message", "sps pps0 sei idr-top pps0' sei p-bottom aud", []string{"sps pps0 sei idr-top pps0' sei p-bottom"}},
		{"changes between IDR fields", "sps pps0 idr-top pps0' idr-bottom aud", []string{"sps pps0 idr-top pps0' idr-bottom"}},
		{"changes and is not used", "sps pps0 idr-top pps1 p-bottom aud", []string{"sps pps0 idr-top p-bottom"}},
		{"new id between fields", "sps pps0 idr-top pps1 p-bottom/1 aud", []string{"sps pps0 idr-top pps1 p-bottom/1"}},
		{"other id in front", "sps pps0 pps1 idr-top p-bottom/1 aud", []string{"sps pps0 pps1 idr-top p-bottom/1"}},
		{"repeated between fields", "sps pps0 idr-top sps pps0 p-bottom aud", []string{"sps pps0 idr-top p-bottom"}},
		{"changes twice, used once", "sps pps0 pps0' pps0 idr aud", []string{"sps pps0 idr"}},
		{"changes within a refresh", "sps pps0 sei2 p1 pps0' p2 p3 aud", []string{"sps pps0 sei2 p1 pps0' p2 p3"}},
		{"changes back within a refresh", "sps pps0 sei2 p1 pps0' p2 pps0 p3 aud", []string{"sps pps0 sei2 p1 pps0' p2 pps0 p3"}},
		{"changes after the frame", "sps pps0 idr pps0' p1 aud", []string{"sps pps0 idr"}},

		{"repeated between slices", "sps pps0 idr sps pps0 idr@40 pps0 idr@80 aud", []string{"sps pps0 idr idr@40 idr@80"}},
		{"with an SEI message", "sps pps0 idr sps pps0 sei idr@40 aud", []string{"sps pps0 idr sei idr@40"}},
		{"repeated between pictures", "sps pps0 idr sps pps0 idr sps pps0 idr", []string{"sps pps0 idr", "sps pps0 idr", "sps pps0 idr"}},
		{"slices go upwards", "sps pps0 idr idr@80 pps0 idr@40 aud", []string{"sps pps0 idr idr@80", "sps pps0 idr@40"}},
		{"slices of another picture", "sps pps0 idr pps0 p1@40 aud", []string{"sps pps0 idr"}},

		{"all-intra pictures alone", "sps pps0 i4 p1 i5 p2 i6", []string{"sps pps0 i4", "sps pps0 i5", "sps pps0 i6"}},
		{"one before an IDR picture", "sps pps0 i4 p1 idr p1 aud", []string{"sps pps0 idr"}},
		{"one is all there is", "sps pps0 i4 p1 p2", []string{"sps pps0 i4"}},
		{"an IDR picture after two", "sps pps0 i4 p1 i5 aud idr p1 i6 p2", []string{"sps pps0 i4", "sps pps0 i5", "sps pps0 idr", "sps pps0 i6"}},
		{"without its set", "sps pps0 idr-without pps1 idr aud", []string{"sps pps0 idr"}},
	} {
		a := keyframe.NewAssembler(keyframe.H264)
		var got []string
		add := func(f *keyframe.Frame) bool {
			if f != nil {
				got = append(got, unitNames(f))
			}
			return f != nil
		}
		for name := range strings.FieldsSeq(test.stream) {
			add(a.Push(handmade[name], keyframe.NoPTS))
		}
		for add(a.Flush()) {
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// TestOrderOfEveryPicture proves that all pictures of a stream, joined, are its
// slices with the sets in the order in which they came, each once.
func TestOrderOfEveryPicture(t *testing.T) {
	for _, test := range []struct{ stream, want string }{
		{"sps pps0 idr-top pps0' p-bottom aud p1 pps0 p2 aud", "sps pps0 idr-top pps0' p-bottom p1 pps0 p2"},
		{"sps pps0 idr sps pps0 idr@40 aud p1 pps0' p2 sps pps0' p3", "sps pps0 idr idr@40 p1 pps0' p2 p3"},
		{"sps pps0 sei2 p1 pps0' p2 pps0 p3 aud", "sps pps0 sei2 p1 pps0' p2 pps0 p3"},
		{"sps pps0 i4 pps0' i5 i6", "sps pps0 i4 sps pps0' i5 sps pps0' i6"},
	} {
		a := keyframe.NewAssembler(keyframe.H264)
		a.EveryPicture()
		var got []string
		for name := range strings.FieldsSeq(test.stream) {
			if f := a.Push(handmade[name], keyframe.NoPTS); f != nil {
				got = append(got, unitNames(f))
			}
		}
		if f := a.Flush(); f != nil {
			got = append(got, unitNames(f))
		}
		if joined := strings.Join(got, " "); joined != test.want {
			t.Errorf("%s: %q, want %q", test.stream, joined, test.want)
		}
	}
}

// TestIntraIsTakenInTime proves that an all-intra picture is returned as soon as
// another one begins, and that one that may be cut short says so.
func TestIntraIsTakenInTime(t *testing.T) {
	a := keyframe.NewAssembler(keyframe.H264)
	for _, name := range []string{"sps", "pps0", "i4", "i4@40", "p1", "p2", "sps", "pps0"} {
		if f := a.Push(handmade[name], keyframe.NoPTS); f != nil {
			t.Fatalf("a frame at %s", name)
		}
	}
	f := a.Push(handmade["i5"], keyframe.NoPTS)
	if f == nil || unitNames(f) != "sps pps0 i4 i4@40" || f.Kind != keyframe.Intra || f.OpenEnd {
		t.Errorf("%+v when another one begins", f)
	}
	if f := a.Flush(); f == nil || unitNames(f) != "sps pps0 i5" || !f.OpenEnd {
		t.Errorf("%+v at the end", f)
	}

	for stream, open := range map[string]bool{"sps pps0 i4": true, "sps pps0 i4 p1": false, "sps pps0 i4 aud": false} {
		a := keyframe.NewAssembler(keyframe.H264)
		for name := range strings.FieldsSeq(stream) {
			a.Push(handmade[name], keyframe.NoPTS)
		}
		if f := a.Flush(); f == nil || f.OpenEnd != open {
			t.Errorf("%s: %+v at the end", stream, f)
		}
	}
}

// TestLossBeforeRepeatedSets proves that sets which stand before each slice do not
// make the rest of a picture one, if its beginning was lost.
func TestLossBeforeRepeatedSets(t *testing.T) {
	a := keyframe.NewAssembler(keyframe.H264)
	for _, name := range []string{"sps", "pps0", "idr"} {
		a.Push(handmade[name], keyframe.NoPTS)
	}
	a.Lose()
	for _, name := range []string{"sps", "pps0", "idr@40", "aud", "p1", "aud"} {
		if f := a.Push(handmade[name], keyframe.NoPTS); f != nil {
			t.Errorf("%q", unitNames(f))
		}
	}
}

// TestSetsBetweenSlices proves that streams with their parameter sets before each
// slice give the frames of those without.
func TestSetsBetweenSlices(t *testing.T) {
	for _, s := range []struct {
		name  string
		codec keyframe.Codec
	}{{"live-slices.264", keyframe.H264}, {"white.264", keyframe.H264}, {"slices.265", keyframe.H265}, {"white.265", keyframe.H265}} {
		data := read(t, s.name)
		var sets, repeated []byte
		for nalu := range keyframe.AnnexB(data) {
			switch {
			case s.codec.IsParameterSet(nalu):
				sets = keyframe.AppendNALU(sets, nalu)
			case s.codec.IsSlice(nalu):
				repeated = append(repeated, sets...)
			}
			repeated = keyframe.AppendNALU(repeated, nalu)
			sets = sets[:min(len(sets), 1<<10)]
		}
		want := fed(s.codec, data, 997)
		if got := fed(s.codec, repeated, 997); len(want) == 0 || !sameFrames(got, want) {
			t.Errorf("%s: %d frames, or other ones than the %d", s.name, len(got), len(want))
		}
	}
}
