package progress

import (
	"strings"
	"testing"
	"time"
)

func TestUpdateRedrawsTheLine(t *testing.T) {
	var out strings.Builder
	b := New(&out)
	b.Update(0, 0, "keyframes")
	b.Update(1, 4, "keyframes")
	b.Update(4, 4, "keyframes")
	b.Close()

	lines := strings.Split(out.String(), "\r")
	for i, want := range []string{
		"", "0/0 [" + strings.Repeat("-", 40), "1/4 [" + strings.Repeat("=", 10) + strings.Repeat("-", 30), "4/4 [" + strings.Repeat("=", 40),
	} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d of %q does not begin with %q", i, lines, want)
		}
	}
	if !strings.HasSuffix(out.String(), "\n") {
		t.Error("the last line has no end")
	}
}

func TestDescribePace(t *testing.T) {
	for _, tt := range []struct {
		done, total int
		elapsed     time.Duration
		want        string
	}{
		{0, 12, time.Second, ""},
		{3, 12, 0, ""},
		{3, 12, 2 * time.Second, ", 1.5/s, 6s left"},
		{12, 12, 4 * time.Second, ", 3.0/s"},
		{599, 600, time.Minute, ", 10.0/s, 1s left"},
		{1, 600, 10 * time.Second, ", 0.1/s, 1h39m50s left"},
	} {
		if got := describePace(tt.done, tt.total, tt.elapsed); got != tt.want {
			t.Errorf("%d of %d after %v: %q, want %q", tt.done, tt.total, tt.elapsed, got, tt.want)
		}
	}
}
