package progress

import (
	"strings"
	"testing"
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
