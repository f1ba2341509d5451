package sink

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kfgrab/kfgrab/internal/lockfile"
)

// openDir opens root until the test ends. Its clock stands at noon.
func openDir(t testing.TB, root string, o *DirOptions) *Dir {
	t.Helper()
	d, err := OpenDir(root, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	d.now = func() time.Time { return noon }
	return d
}

func put(t testing.TB, d *Dir, p *Picture) string {
	t.Helper()
	file, err := d.Put(within(t, testTime), p)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// filesBelow lists the files below root with their contents, and empty
// directories. It leaves out the state.
func filesBelow(t testing.TB, root string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, p)
		switch {
		case name == stateDir:
			return fs.SkipDir
		case !e.IsDir():
			data, err := os.ReadFile(p)
			found[name] = string(data)
			return err
		}
		below, err := os.ReadDir(p)
		if len(below) == 0 && err == nil {
			found[name+"/"] = ""
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func wantTree(t testing.TB, root string, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, filesBelow(t, root)); diff != "" {
		t.Errorf("below %s: %s", root, diff)
	}
}

func writeFile(t testing.TB, file, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestDirPut(t *testing.T) {
	root := filepath.Join(t.TempDir(), "shots", "below")
	d := openDir(t, root, nil)
	for i, data := range []string{"one", "two", "three"} {
		after := time.Duration(i/2) * time.Second // the first two at the same time
		file := put(t, d, shot(after, data))
		if got, err := os.ReadFile(file); err != nil || string(got) != data {
			t.Errorf("%s holds %q, %v", file, got, err)
		}
	}
	wantTree(t, root, map[string]string{
		"cam/2026-03-01/120000.000Z.jpg":   "one",
		"cam/2026-03-01/120000.000Z-1.jpg": "two",
		"cam/2026-03-01/120001.000Z.jpg":   "three",
		"cam/latest.jpg":                   "three",
	})
	if info, err := os.Stat(filepath.Join(root, "cam/latest.jpg")); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("latest: %v, %v", info, err)
	}
}

func TestDirNoLatest(t *testing.T) {
	root := t.TempDir()
	put(t, openDir(t, root, &DirOptions{NoLatest: true}), shot(0, "one"))
	wantTree(t, root, map[string]string{"cam/2026-03-01/120000.000Z.jpg": "one"})
}

func TestDirTemplates(t *testing.T) {
	root := t.TempDir()
	tmpl, err := ParseTemplate("{date}/{name}-{time}.{ext}", time.FixedZone("", 3600))
	if err != nil {
		t.Fatal(err)
	}
	latest, err := ParseLatest("{name}.{ext}")
	if err != nil {
		t.Fatal(err)
	}
	put(t, openDir(t, root, &DirOptions{Template: tmpl, Latest: latest}), shot(11*time.Hour, "one"))
	wantTree(t, root, map[string]string{"2026-03-02/cam-000000.000+0100.jpg": "one", "cam.jpg": "one"})
}

// Streams with different templates share the directory and the retention.
func TestDirWith(t *testing.T) {
	root := t.TempDir()
	d := openDir(t, root, &DirOptions{Keep: Retention{Count: 1}})
	tmpl, err := ParseTemplate("{unix}.{ext}", nil)
	if err != nil {
		t.Fatal(err)
	}
	other := d.With(&DirOptions{Template: tmpl, NoLatest: true, Keep: Retention{Count: 2}})
	for n := range 3 {
		p := shot(time.Duration(n)*time.Second, fmt.Sprint(n))
		put(t, d, p)
		p.Stream = "other"
		put(t, other, p)
	}
	wantTree(t, root, map[string]string{
		"cam/2026-03-01/120002.000Z.jpg": "2", "cam/latest.jpg": "2",
		"1772366401.jpg": "1", "1772366402.jpg": "2",
	})
}

// No name of a stream leads out of the directory or to another stream's files.
func TestDirNamesStayInside(t *testing.T) {
	above := t.TempDir()
	d := openDir(t, filepath.Join(above, "shots"), nil)
	names := []string{"..", ".", "../../x", "/etc", ".kfgrab", "a/b", `a\b`, "a%2Fb", "-rf", "a\x00b", strings.Repeat("long", 100), strings.Repeat("long", 101)}
	for _, name := range names {
		p := shot(0, name)
		p.Stream = name
		put(t, d, p)
	}
	if found, err := os.ReadDir(above); err != nil || len(found) != 1 {
		t.Errorf("beside the directory: %v, %v", found, err)
	}
	found := filesBelow(t, filepath.Join(above, "shots"))
	if len(found) != 2*len(names) {
		t.Errorf("%d files of %d streams: %v", len(found), len(names), found)
	}
	if _, err := d.Put(within(t, testTime), &Picture{Time: noon}); err == nil {
		t.Error("a picture without a name was stored")
	}
}

// Put overwrites no existing file.
func TestDirOverwritesNothing(t *testing.T) {
	root := t.TempDir()
	writeFile(t, filepath.Join(root, "cam/2026-03-01/120000.000Z.jpg"), "mine")
	put(t, openDir(t, root, &DirOptions{NoLatest: true}), shot(0, "one"))
	wantTree(t, root, map[string]string{
		"cam/2026-03-01/120000.000Z.jpg": "mine", "cam/2026-03-01/120000.000Z-1.jpg": "one",
	})
}

// Put overwrites no file that another stream is about to write.
func TestDirClaimsPaths(t *testing.T) {
	d := openDir(t, t.TempDir(), nil)
	for _, want := range []string{"120000.000Z.jpg", "120000.000Z-1.jpg"} {
		if name, err := d.claimPath(shot(0, "x")); err != nil || !strings.HasSuffix(name, want) {
			t.Errorf("%s, %v; want %s", name, err, want)
		}
	}
}

// The newest picture's file becomes a copy on file systems without links, such
// as FAT.
func TestDirLatestWithoutLinks(t *testing.T) {
	root := t.TempDir()
	d := openDir(t, root, nil)
	put(t, d, shot(0, "one"))
	p := shot(time.Second, "two")
	// The link fails because the picture is missing. Any other failure takes
	// the same path.
	if err := d.replaceLatest(p, "cam/absent.jpg"); err != nil {
		t.Fatal(err)
	}
	wantTree(t, root, map[string]string{"cam/2026-03-01/120000.000Z.jpg": "one", "cam/latest.jpg": "two"})
}

// If the newest picture's copy cannot be replaced, the picture is stored all
// the same.
func TestDirLatestFails(t *testing.T) {
	root := t.TempDir()
	writeFile(t, filepath.Join(root, "cam/latest.jpg/x"), "mine")
	file, err := openDir(t, root, nil).Put(within(t, testTime), shot(0, "one"))
	if err == nil || !strings.Contains(err.Error(), "latest.jpg") || !strings.HasSuffix(file, "120000.000Z.jpg") {
		t.Errorf("%s, %v", file, err)
	}
	wantTree(t, root, map[string]string{"cam/2026-03-01/120000.000Z.jpg": "one", "cam/latest.jpg/x": "mine"})
}

func TestDirManyAtOnce(t *testing.T) {
	root := t.TempDir()
	tmpl, err := ParseTemplate("{date}/{time}.{ext}", nil) // all streams want the same paths
	if err != nil {
		t.Fatal(err)
	}
	d := openDir(t, root, &DirOptions{Template: tmpl, NoLatest: true, Keep: Retention{Count: 3}})
	const streams, pictures = 8, 20
	var wg sync.WaitGroup
	for s := range streams {
		wg.Go(func() {
			for n := range pictures {
				p := shot(time.Duration(n)*24*time.Hour, fmt.Sprint(s, n))
				p.Stream = fmt.Sprint("cam", s)
				if _, err := d.Put(within(t, testTime), p); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	found := filesBelow(t, root)
	if len(found) != streams*3 {
		t.Errorf("%d files remain: %v", len(found), found)
	}
	for name, data := range found {
		var s, n int
		if fmt.Sscan(data, &s, &n); n < pictures-3 || strings.HasSuffix(name, "/") {
			t.Errorf("%s is left, with %s", name, data)
		}
	}
}

func TestDirInUse(t *testing.T) {
	root := t.TempDir()
	d := openDir(t, root, nil)
	_, err := OpenDir(root, nil)
	want := fmt.Sprintf("%s is in use: another process has the lock: process %d (", root, os.Getpid())
	if !errors.Is(err, lockfile.ErrHeld) || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	openDir(t, root, nil)
	if _, err := d.Put(within(t, testTime), shot(0, "x")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// Put creates a deleted directory again and acquires its lock again.
func TestDirDeletedWhileOpen(t *testing.T) {
	root := filepath.Join(t.TempDir(), "shots")
	d := openDir(t, root, &DirOptions{Keep: Retention{Count: 2}})
	put(t, d, shot(0, "one"))
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	for i, data := range []string{"two", "three", "four"} {
		put(t, d, shot(time.Duration(i)*time.Second, data))
	}
	wantTree(t, root, map[string]string{
		"cam/2026-03-01/120001.000Z.jpg": "three",
		"cam/2026-03-01/120002.000Z.jpg": "four",
		"cam/latest.jpg":                 "four",
	})
	if _, err := OpenDir(root, nil); !errors.Is(err, lockfile.ErrHeld) {
		t.Errorf("the lock is lost: %v", err)
	}
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	other := openDir(t, root, nil)
	if _, err := d.Put(within(t, testTime), shot(0, "x")); !errors.Is(err, lockfile.ErrHeld) {
		t.Errorf("two write to one directory: %v", err)
	}
	other.Close()
	put(t, d, shot(0, "x"))
}

// Put also creates deleted subdirectories again.
func TestDirPartDeleted(t *testing.T) {
	root := t.TempDir()
	d := openDir(t, root, &DirOptions{Keep: Retention{Count: 1}, NoLatest: true})
	put(t, d, shot(0, "one"))
	if err := os.RemoveAll(filepath.Join(root, "cam")); err != nil {
		t.Fatal(err)
	}
	put(t, d, shot(time.Second, "two"))
	put(t, d, shot(24*time.Hour, "three"))
	wantTree(t, root, map[string]string{"cam/2026-03-02/120000.000Z.jpg": "three"})
}

func names(m map[string]string) []string {
	var all []string
	for name := range m {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// Put does not write through links that others have planted in the directory.
func TestDirFollowsNoLinksOfItsState(t *testing.T) {
	for _, name := range []string{lockName, "cam" + journalSuffix} {
		root, theirs := t.TempDir(), filepath.Join(t.TempDir(), "theirs")
		writeFile(t, theirs, "a line\nand no more")
		if err := os.Mkdir(filepath.Join(root, stateDir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(theirs, filepath.Join(root, stateDir, name)); err != nil {
			t.Skip(err)
		}
		d, err := OpenDir(root, nil)
		if err == nil {
			t.Cleanup(func() { d.Close() })
			_, err = d.Put(within(t, testTime), shot(0, "x"))
		}
		if err == nil || !strings.Contains(err.Error(), filepath.Join(stateDir, name)) {
			t.Errorf("%s: %v", name, err)
		}
		if data, _ := os.ReadFile(theirs); string(data) != "a line\nand no more" {
			t.Errorf("%s: its target became %q", name, data)
		}
	}
}
