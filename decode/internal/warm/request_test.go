package warm

import (
	"bytes"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

// TestRequestKeepsOrder proves that a parameter set between two slices is sent where
// it stands, and is part of the key.
func TestRequestKeepsOrder(t *testing.T) {
	f := &keyframe.Frame{Codec: keyframe.H265, Pictures: 1, Info: keyframe.Info{CodedWidth: 64, CodedHeight: 64}}
	units := [][]byte{{0x40, 1, 7}, {0x42, 1, 7}, {0x44, 1, 7}, {0x26, 1, 0x80}, {0x44, 1, 9}, {0x26, 1, 0x20}}
	var data, plain []byte
	for i, u := range units {
		data = keyframe.AppendNALU(data, u)
		if i != 4 {
			plain = keyframe.AppendNALU(plain, u)
		}
	}

	r, ok := NewRequest(f, data, Settings{})
	if !ok || !bytes.Equal(r.packets[0], data) {
		t.Errorf("sent as %x, want %x", r.packets, data)
	}
	if other, ok := NewRequest(f, plain, Settings{}); !ok || other.key == r.key {
		t.Error("the same key without the set")
	}
}
