package decode_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/decode"
)

// TestLimits proves that the limits are in force before the process reads the
// frame.
func TestLimits(t *testing.T) {
	d := script(t, "read -r line; cat /proc/$$/limits >$0.limits; "+drain+pixel)
	f := someFrame()
	f.Data = append([]byte("line\n"), f.Data...)
	if err := d.Decode(context.Background(), new(bytes.Buffer), f, decode.Output{Format: decode.RGB24}); err != nil {
		t.Fatal(err)
	}
	limits, err := os.ReadFile(d.Path + ".limits")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for line := range strings.Lines(string(limits)) {
		if len(line) > 26 {
			got[strings.TrimSpace(line[:26])] = strings.Fields(line[26:])[1]
		}
	}
	for name, most := range map[string]int{"Max cpu time": 600, "Max address space": 4 << 30, "Max open files": 64, "Max file size": 64 << 10, "Max core file size": 0} {
		var n int
		if _, err := fmt.Sscan(got[name], &n); err != nil || n > most {
			t.Errorf("%s is %q, want at most %d", name, got[name], most)
		}
	}
}

func TestFileSizeIsLimited(t *testing.T) {
	d := script(t, "read -r line; head -c 1000000 /dev/zero >$0.file; "+drain+pixel)
	f := someFrame()
	f.Data = append([]byte("line\n"), f.Data...)
	d.Decode(context.Background(), new(bytes.Buffer), f, decode.Output{Format: decode.RGB24})
	if info, err := os.Stat(d.Path + ".file"); err != nil || info.Size() > 64<<10 {
		t.Errorf("%v, %v", info.Size(), err)
	}
}
