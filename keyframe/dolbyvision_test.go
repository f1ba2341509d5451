package keyframe_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

// rpu makes a reference processing unit of Dolby Vision from the fields of its header,
// in binary.
func rpu(t *testing.T, fields string) []byte {
	t.Helper()
	bits := strings.ReplaceAll("00011001"+fields, " ", "")
	bits += strings.Repeat("1", -len(bits)&7)
	var payload []byte
	for ; bits != ""; bits = bits[8:] {
		b, err := strconv.ParseUint(bits[:8], 2, 8)
		if err != nil {
			t.Fatal(err)
		}
		payload = append(payload, byte(b))
	}
	return append([]byte{62 << 1, 1}, escaped(payload)...)
}

// TestDolbyVisionProfile5 proves that the colours of a picture are named if only its
// reference processing unit has them.
func TestDolbyVisionProfile5(t *testing.T) {
	const (
		head   = "000010 00000001001 "                         // rpu_type, rpu_format
		fixed  = "0 00 00101 01 "                              // coefficient_log2_denom 4
		floats = "1 01 01000000100000000000000000000000 01 "   // coefficients of 32 bits
		short  = "000010 00000001001 0000 0000 1 0 01 0100000" // ends within them
		iptC2  = 15
	)
	f := first(keyframe.H265, read(t, "h265.265"), 4096)
	for _, c := range []struct {
		name, fields string
		profile5     bool
	}{
		{"profile 5", head + "0000 0000 1 " + fixed + "1", true},
		{"profile 5 with floating point", head + "0000 0001 1 " + floats + "1", true},
		{"limited range", head + "0000 0000 1 " + fixed + "0", false},
		{"profile 8", head + "0001 0000 1 " + fixed + "1", false},
		{"no sequence info", head + "0000 0000 0 " + fixed + "1", false},
		{"another type", "000001 00000001001 0000 0000 1 " + fixed + "1", false},
		{"cut short", short, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, every := range []bool{false, true} {
				a := keyframe.NewAssembler(keyframe.H265)
				if every {
					a.EveryPicture()
				}
				for nalu := range keyframe.AnnexB(f.Data) {
					a.Push(nalu, keyframe.NoPTS)
				}
				a.Push(rpu(t, c.fields), keyframe.NoPTS)
				got := a.Flush()
				if (got.Info.Matrix == iptC2) != c.profile5 {
					t.Errorf("every picture %v: the matrix is %d", every, got.Info.Matrix)
				}
			}
		})
	}
}
