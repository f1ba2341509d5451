package sink

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const day = 24 * time.Hour

// kept stores pictures of these days after noon, each of three bytes, and
// returns the days that remain.
func kept(t *testing.T, r Retention, now int, days ...int) (left []int) {
	t.Helper()
	root := t.TempDir()
	d := openDir(t, root, &DirOptions{Keep: r, NoLatest: true})
	d.now = func() time.Time { return noon.Add(time.Duration(now) * day) }
	for _, n := range days {
		put(t, d, shot(time.Duration(n)*day, fmt.Sprintf("%03d", n)))
	}
	for _, name := range names(filesBelow(t, root)) {
		var n int
		if _, err := fmt.Sscan(filesBelow(t, root)[name], &n); err != nil {
			t.Fatalf("%s remains: %v", name, err)
		}
		left = append(left, n)
	}
	return left
}

func TestRetention(t *testing.T) {
	for _, c := range []struct {
		name string
		keep Retention
		now  int
		days []int
		want []int
	}{
		{"no limit", Retention{}, 100, []int{0, 1, 2}, []int{0, 1, 2}},
		{"count", Retention{Count: 2}, 100, []int{0, 1, 2, 3}, []int{2, 3}},
		{"bytes", Retention{Bytes: 8}, 100, []int{0, 1, 2, 3}, []int{2, 3}},
		{"bytes, less than one picture", Retention{Bytes: 1}, 100, []int{0, 1}, []int{1}},
		{"age", Retention{Age: 2 * day}, 5, []int{2, 3, 4, 5}, []int{3, 4, 5}},
		{"the first that is exceeded counts", Retention{Age: 2 * day, Count: 3, Bytes: 6}, 5, []int{2, 3, 4, 5}, []int{4, 5}},
		{"a clock set back", Retention{Age: 2 * day}, 8, []int{300, 301, 5, 6, 7}, []int{6, 7}},
		{"a clock set back for a moment", Retention{Age: 2 * day}, 7, []int{5, 4, 6, 7}, []int{4, 5, 6, 7}},
		{"a clock set back for a moment, older", Retention{Age: 2 * day}, 8, []int{5, 4, 6, 7}, []int{6, 7}},
		{"a clock that did not know the time for a moment", Retention{Age: 30 * day}, 8, []int{5, 6, -400, 7}, []int{-400, 5, 6, 7}},
		{"a clock that does not know the time", Retention{Age: 30 * day}, -400, []int{5, 6, -400}, []int{-400, 5, 6}},
	} {
		if diff := cmp.Diff(c.want, kept(t, c.keep, c.now, c.days...)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// The retention deletes only files that the sink wrote and nobody replaced since.
func TestRetentionLeavesTheUsersFiles(t *testing.T) {
	root := t.TempDir()
	mine := map[string]string{
		"cam/2026-03-01/115959.000Z.jpg":           "mine: by its name one of the pictures",
		"cam/2026-03-01/notes.txt":                 "mine",
		"cam/2026-03-02/.120000.000Z.jpg.kfgrab~":  "mine",
		"cam/2026-02-01/000000.000Z.jpg":           "mine",
		"other/2026-03-01/120000.000Z.jpg":         "mine",
		"cam/2026-03-04/120000.000Z.jpg/inner.jpg": "mine: a directory in a picture's place",
	}
	for name, data := range mine {
		writeFile(t, filepath.Join(root, name), data)
	}
	if err := os.MkdirAll(filepath.Join(root, "cam/2026-03-03"), 0o755); err != nil {
		t.Fatal(err)
	}
	d := openDir(t, root, &DirOptions{Keep: Retention{Count: 1}})
	first := put(t, d, shot(0, "one"))
	second := put(t, d, shot(day, "two")) // the user replaces it by a picture as large
	if err := os.Remove(second); err != nil {
		t.Fatal(err)
	}
	writeFile(t, second, "2wo")
	if err := os.Chtimes(second, noon, noon); err != nil {
		t.Fatal(err)
	}
	third := put(t, d, shot(2*day, "three")) // the user edits it
	writeFile(t, third, "edited")
	put(t, d, shot(3*day, "four")) // the user moves it away
	if err := os.Rename(filepath.Join(root, "cam/2026-03-04/120000.000Z-1.jpg"), filepath.Join(root, "kept.jpg")); err != nil {
		t.Fatal(err)
	}
	put(t, d, shot(4*day, "five"))
	put(t, d, shot(5*day, "six"))

	want := map[string]string{
		"cam/2026-03-02/120000.000Z.jpg": "2wo",
		"cam/2026-03-03/120000.000Z.jpg": "edited",
		"kept.jpg":                       "four",
		"cam/2026-03-06/120000.000Z.jpg": "six",
		"cam/latest.jpg":                 "six",
	}
	for name, data := range mine {
		want[name] = data
	}
	wantTree(t, root, want)
	if _, err := os.Stat(first); err == nil {
		t.Error("the first picture still exists")
	}
}

// Directories that existed before stay, empty or not. Those that the sink made
// go.
func TestRetentionOfDirectories(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "cam/2026-03-02"), 0o755); err != nil {
		t.Fatal(err)
	}
	tmpl, err := ParseTemplate("{name}/{date}/{hour}/{time}.{ext}", nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 4 { // stands for another process each time
		d := openDir(t, root, &DirOptions{Template: tmpl, NoLatest: true, Keep: Retention{Count: 1}})
		put(t, d, shot(time.Duration(n)*day, fmt.Sprint(n)))
		d.Close()
	}
	wantTree(t, root, map[string]string{"cam/2026-03-02/": "", "cam/2026-03-04/12/120000.000Z.jpg": "3"})
}

// Prune deletes old pictures of a stream that gets no more pictures.
func TestPrune(t *testing.T) {
	root := t.TempDir()
	d := openDir(t, root, &DirOptions{Keep: Retention{Age: day}})
	put(t, d, shot(0, "one"))
	other := shot(0, "other")
	other.Stream = "other"
	put(t, d, other)
	d.Retain("other", Retention{})
	d.now = func() time.Time { return noon.Add(2 * day) }
	if err := d.Prune(within(t, testTime)); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"cam/latest.jpg": "one", "other/latest.jpg": "other", "other/2026-03-01/120000.000Z.jpg": "other",
	}
	wantTree(t, root, want)
	d.Close()
	// Prune does not touch a stream that is no longer named.
	d = openDir(t, root, &DirOptions{Keep: Retention{Age: time.Millisecond}})
	d.now = func() time.Time { return noon.Add(2 * day) }
	if err := d.Prune(within(t, testTime)); err != nil {
		t.Fatal(err)
	}
	wantTree(t, root, want)
}

func TestPruneIsInterrupted(t *testing.T) {
	root := t.TempDir()
	d := openDir(t, root, &DirOptions{Keep: Retention{Age: day}, NoLatest: true})
	put(t, d, shot(0, "one"))
	d.now = func() time.Time { return noon.Add(2 * day) }
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	cancel(stopped)
	if err := d.Prune(ctx); !errors.Is(err, stopped) {
		t.Error(err)
	}
	wantTree(t, root, map[string]string{"cam/2026-03-01/120000.000Z.jpg": "one"})
}

// A journal stays small over many pictures, and forgets none that exists.
func TestJournalIsCompacted(t *testing.T) {
	root := t.TempDir()
	d := openDir(t, root, &DirOptions{Keep: Retention{Count: 5}, NoLatest: true})
	const pictures = 1500
	for n := range pictures {
		put(t, d, shot(time.Duration(n)*time.Hour, fmt.Sprint(n)))
	}
	info, err := os.Stat(filepath.Join(root, stateDir, "cam.journal"))
	if err != nil || info.Size() > 3*compactAbove {
		t.Errorf("the journal has %d bytes, %v", info.Size(), err)
	}
	d.Close()
	d = openDir(t, root, &DirOptions{Keep: Retention{Count: 5}, NoLatest: true})
	if n := d.journals["cam"].count; n != 5 {
		t.Errorf("%d pictures after the next start", n)
	}
	last := shot(pictures*time.Hour, "last")
	put(t, d, last)
	found := filesBelow(t, root)
	if len(found) != 5 || found[Template{}.Path(last)] != "last" {
		t.Errorf("left: %v", found)
	}
	if j := d.journals["cam"]; j.count != 5 || len(j.dirs) > pictures/24/2 {
		t.Errorf("the journal counts %d pictures in %v", j.count, j.dirs)
	}
}

// A backlog of the retention is deleted over several Puts.
func TestPruneOfAPutIsBounded(t *testing.T) {
	root := t.TempDir()
	d := openDir(t, root, &DirOptions{NoLatest: true})
	const more = 50
	for n := range prunePerPut + more {
		put(t, d, shot(time.Duration(n)*time.Second, "x"))
	}
	d.Retain("cam", Retention{Count: 1})
	for _, want := range []int{more + 1, 1} {
		put(t, d, shot(day, "x"))
		if left := len(filesBelow(t, root)); left != want {
			t.Errorf("%d files remain, want %d", left, want)
		}
	}
}

func TestRetentionCannotDelete(t *testing.T) {
	root := t.TempDir()
	d := openDir(t, root, &DirOptions{Keep: Retention{Count: 1}, NoLatest: true})
	first := put(t, d, shot(0, "one"))
	// A directory that cannot be read stands in for one without the permissions.
	if err := os.RemoveAll(filepath.Dir(first)); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Dir(first), "a file")
	file, err := d.Put(within(t, testTime), shot(day, "two"))
	if err == nil || !strings.Contains(err.Error(), first) || file == "" {
		t.Errorf("%s, %v", file, err)
	}
}
