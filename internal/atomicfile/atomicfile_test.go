package atomicfile

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCommitReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.jpg")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Discard()
	if _, err := f.WriteString("new"); err != nil {
		t.Fatal(err)
	}
	if got := content(t, path); got != "old" {
		t.Errorf("before Commit: %q", got)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	f.Discard()
	if got := content(t, path); got != "new" {
		t.Errorf("after Commit: %q", got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the mode became %v", info.Mode())
	}
	onlyFile(t, dir, "a.jpg")
}

// TestCreateAsRemovesOldFile: if a crash left a file that is a link to another,
// the other one does not change.
func TestCreateAsRemovesOldFile(t *testing.T) {
	dir := t.TempDir()
	other, path, temporary := filepath.Join(dir, "other"), filepath.Join(dir, "a.jpg"), filepath.Join(dir, ".a.jpg.part")
	if err := os.WriteFile(other, []byte("other"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(other, temporary); err != nil {
		t.Skip(err)
	}
	f, err := CreateAs(path, temporary)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("new"); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if content(t, path) != "new" || content(t, other) != "other" {
		t.Errorf("%q and %q", content(t, path), content(t, other))
	}
	if _, err := os.Lstat(temporary); err == nil {
		t.Error("the temporary file remains")
	}
}

func TestDiscardLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	f, err := Create(filepath.Join(dir, "a.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("half"); err != nil {
		t.Fatal(err)
	}
	f.Discard()
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("remaining: %v, %v", left, err)
	}
}

func TestLinkStays(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skip(err)
	}
	f, err := Create(link)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("new")
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced by a file")
	}
	if got := content(t, target); got != "new" {
		t.Errorf("the target holds %q", got)
	}
}

func TestDeviceIsWrittenInPlace(t *testing.T) {
	f, err := Create("/dev/full")
	if err != nil {
		t.Skip(err)
	}
	if _, err := f.WriteString("x"); err == nil {
		t.Error("a full disk accepted a byte")
	}
	f.Discard()
	if info, err := os.Stat("/dev/full"); err != nil || info.Mode()&os.ModeDevice == 0 {
		t.Error("the device is gone")
	}
}

func TestErrorsNameTheFinalPath(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing", "a.jpg")
	_, ofDir := Create(dir)
	_, ofMissing := Create(missing)
	_, asMissing := CreateAs(missing, missing+".part")
	for _, c := range []struct {
		path string
		err  error
	}{{dir, ofDir}, {missing, ofMissing}, {missing, asMissing}} {
		path, err := c.path, c.err
		var p *os.PathError
		if err == nil {
			t.Errorf("%s: no error", path)
		} else if ok := asPathError(err, &p); !ok || p.Path != path {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func asPathError(err error, p **os.PathError) bool {
	e, ok := err.(*os.PathError)
	*p = e
	return ok
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func onlyFile(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != name {
		t.Errorf("the directory holds %v (%v)", entries, err)
	}
}
