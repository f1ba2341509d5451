package bench

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// packet is the position of a picture according to ffprobe.
type packet struct {
	pos, size int64
	key       bool
}

func probe(t *testing.T, file string) []packet {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=size,pos,flags", "-of", "csv=p=0", file).Output()
	if err != nil {
		t.Skipf("ffprobe: %v", err)
	}
	var list []packet
	for line := range strings.Lines(string(out)) {
		var p packet
		var flags string
		if n, _ := fmt.Sscanf(strings.ReplaceAll(line, ",", " "), "%d %d %s", &p.size, &p.pos, &flags); n == 3 {
			p.key = flags[0] == 'K'
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		t.Fatalf("ffprobe sees no picture in %s", file)
	}
	return list
}

func TestTSUnits(t *testing.T) {
	file := testmedia.Make(t, "h264.ts")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	units, want := tsUnits(b), probe(t, file)
	if len(units) != len(want) {
		t.Fatalf("%d access units, ffprobe sees %d", len(units), len(want))
	}
	for i, u := range units {
		if u.start != want[i].pos || u.key != want[i].key {
			t.Errorf("access unit %d: at %d, key %v; ffprobe sees %+v", i, u.start, u.key, want[i])
		}
		if u.end-u.start < want[i].size || i+1 < len(units) && u.end > units[i+1].start {
			t.Errorf("access unit %d: %d to %d, of %d bytes, before %d", i, u.start, u.end, want[i].size, units[min(i+1, len(units)-1)].start)
		}
	}
	if n := len(keyframeUnits(units)); n != 4 {
		t.Errorf("%d keyframes, want 4", n)
	}
}

func TestTSUnitsOfNone(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing": nil,
		"short":   bytes.Repeat([]byte{0x47}, tsPacket-1),
		"padding": bytes.Repeat(append([]byte{0x47, 0x1F, 0xFF, 0x10}, make([]byte, tsPacket-4)...), 3),
	} {
		if u := tsUnits(b); len(u) != 0 {
			t.Errorf("%s: %v", name, u)
		}
	}
}

func box(kind string, size int) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(size)), kind...)
}

func TestBoxes(t *testing.T) {
	two := append(append(box("free", 12), 1, 2, 3, 4), box("mdat", 8)...)
	got, err := listBoxes(two)
	if err != nil || len(got) != 2 || got[0] != (span{"free", 0, 12}) || got[1] != (span{"mdat", 12, 20}) {
		t.Errorf("%v, %v", got, err)
	}
	for name, b := range map[string][]byte{
		"cut header": two[:15], "beyond the end": box("mdat", 9), "too small": box("mdat", 7),
	} {
		if _, err := listBoxes(b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestFirstSample(t *testing.T) {
	dir := filepath.Dir(testmedia.Make(t, "hls-1080p-fmp4"))
	init, err := os.ReadFile(filepath.Join(dir, "init.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	segment, err := os.ReadFile(filepath.Join(dir, "seg0.m4s"))
	if err != nil {
		t.Fatal(err)
	}
	whole := filepath.Join(t.TempDir(), "whole.mp4")
	if err := os.WriteFile(whole, append(bytes.Clone(init), segment...), 0o600); err != nil {
		t.Fatal(err)
	}
	want := probe(t, whole)[0]
	got, err := firstSample(init, segment)
	if err != nil {
		t.Fatal(err)
	}
	if start := want.pos - int64(len(init)); got.start != start || got.end != start+want.size {
		t.Errorf("sample from %d to %d, ffprobe sees %d bytes at %d", got.start, got.end, want.size, start)
	}
	if at := got.moofEnd - int64(len("moof")); !bytes.Contains(segment[:at], []byte("moof")) || string(segment[got.moofEnd+4:got.moofEnd+8]) != "mdat" {
		t.Errorf("the index does not end at %d", got.moofEnd)
	}
	if _, err := firstSample(init, nil); err == nil {
		t.Error("nothing has a sample")
	}
}
