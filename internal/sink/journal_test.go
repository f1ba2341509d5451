package sink

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLedger(t *testing.T) {
	text := pathLine("d", "cam", "cam/a b") + pathLine("t", "cam/.1.kfgrab") +
		entry{1000, 1001, 10, "cam/\"1\"\n"}.String() +
		"nonsense\n+ 1 2 3\n+ 1 2 x \"a\"\n+ 1 2 3 \"../a\"\n+ 1 2 3 \"a\" \"b\"\nd \"/etc\"\n- 99999 1 1\n" +
		pathLine("t", "cam/.2.kfgrab", "cam/.latest.kfgrab") +
		entry{2000, 2001, 5, "cam/2"}.String() + entry{1500, 1501, 7, "cam/3"}.String()
	var l ledger
	if err := l.readLines(strings.NewReader(text + "+ 9 9 9 \"torn")); err != nil {
		t.Fatal(err)
	}
	type totals struct {
		Size, Bytes, Last int64
		Count             int
		Temps, Dirs       []string
	}
	want := totals{int64(len(text)), 22, 1500, 3, []string{"cam/.2.kfgrab", "cam/.latest.kfgrab"}, []string{"cam", "cam/a b"}}
	if diff := cmp.Diff(want, totals{l.size, l.bytes, l.last, l.count, l.temps, l.dirs}); diff != "" {
		t.Error(diff)
	}
	e, ok := parseEntryLine([]byte(entry{1000, 1001, 10, "cam/\"1\"\n"}.String()))
	if !ok || e != (entry{1000, 1001, 10, "cam/\"1\"\n"}) {
		t.Errorf("%+v, %v", e, ok)
	}
}

// copyLive writes directories that were made several times once.
func TestCopyLive(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	j := journal{file: file}
	for _, line := range []string{
		pathLine("d", "cam", "cam/1"), entry{1, 1, 1, "cam/1/a"}.String(), pathLine("d", "cam/1"), pathLine("d", "cam/2"),
	} {
		if err := j.appendLine(line); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	if err := j.copyLive(&out, func(dir string) bool { return dir != "cam/2" }); err != nil {
		t.Fatal(err)
	}
	want := pathLine("d", "cam") + pathLine("d", "cam/1") + entry{1, 1, 1, "cam/1/a"}.String()
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// BenchmarkLedger reads the journal of a year with a directory for each hour.
func BenchmarkLedger(b *testing.B) {
	var text strings.Builder
	for n := range 365 * 24 {
		text.WriteString(pathLine("d", fmt.Sprintf("cam/%06d", n)))
	}
	for b.Loop() {
		if err := new(ledger).readLines(strings.NewReader(text.String())); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzLedger: no journal leads to a path outside the directory, and reading it
// in two pieces gives the same ledger as reading it in one.
func FuzzLedger(f *testing.F) {
	f.Add("d \"cam\"\nt \"cam/.a.kfgrab\"\n+ 1 2 3 \"cam/a\"\n- 20 0 0\n+ 0 0 1 \"b\"\n", uint(20))
	f.Add("+ 9223372036854775807 -1 9223372036854775807 \"a\"\n+ 1 1 9223372036854775807 \"a\"\n", uint(3))
	f.Add("t \"../x\"\nt \"/x\"\n+ 1 1 1 \"a/../../x\"\n", uint(0))
	f.Fuzz(func(t *testing.T, text string, cut uint) {
		var whole, pieces ledger
		if err := whole.readLines(strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		cut %= uint(len(text) + 1)
		pieces.readLines(strings.NewReader(text[:cut]))
		pieces.readLines(strings.NewReader(text[pieces.size:]))
		if diff := cmp.Diff(whole, pieces, cmp.AllowUnexported(ledger{}, setback{})); diff != "" {
			t.Error(diff)
		}
		if whole.head > whole.size || whole.count < 0 {
			t.Errorf("%+v", whole)
		}
		for _, p := range append(whole.temps, whole.dirs...) {
			if !filepath.IsLocal(p) {
				t.Errorf("%q leaves the directory", p)
			}
		}
		for line := range strings.Lines(text) {
			if e, ok := parseEntryLine([]byte(line)); ok && (!filepath.IsLocal(e.path) || e.size < 0) {
				t.Errorf("%+v", e)
			}
		}
	})
}
