package filestamp

import (
	"os"
	"path/filepath"
	"testing"
)

// TestOf: a file's stamp changes if the file is written, replaced or linked
// elsewhere.
func TestOf(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if Of(file) != (Stamp{}) {
		t.Error("a missing file has a stamp")
	}
	last := Of(link)
	for i, change := range []func() error{
		func() error { return os.Symlink(file, link) },
		func() error { return os.WriteFile(file, []byte("a"), 0o600) },
		func() error { return os.WriteFile(file, []byte("ab"), 0o600) },
		func() error { return os.Rename(file, filepath.Join(dir, "other")) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		now := Of(link)
		if i > 0 && now == last {
			t.Errorf("change %d is not noticed", i)
		}
		if Of(link) != now {
			t.Errorf("change %d is noticed twice", i)
		}
		last = now
	}
}
