package sink

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mount mounts a file system in memory at dir until the test ends.
func mount(t *testing.T, dir string, flags uintptr, options string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("kfgrab-test", dir, "tmpfs", flags, options); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// A full disk is an error that leaves nothing half-written, at whatever step of
// a Put it comes. When there is room again, Put succeeds and the retention
// counts all pictures.
func TestDirDiskFull(t *testing.T) {
	root := filepath.Join(t.TempDir(), "shots")
	mount(t, root, 0, "size=256k")
	d := openDir(t, root, &DirOptions{Keep: Retention{Count: 2}})
	put(t, d, shot(0, "one"))
	filler := filepath.Join(root, "filler")
	failed, known := 0, int64(0)
	for free := range 12 {
		fillDisk(t, filler, free)
		file, err := d.Put(within(t, testTime), shot(24*time.Hour, strings.Repeat("x", 16<<10)))
		if file != "" {
			break // there was room for the picture
		}
		// The journal has the directory, once, and nothing else.
		if j := d.journals["cam"]; j.count != 1 || (known != 0 && j.size != known) {
			t.Errorf("%d pages free: the journal has %d bytes, not %d, of %d pictures", free, j.size, known, j.count)
		}
		if d.isOurs("cam/2026-03-02") {
			known = d.journals["cam"].size
		}
		failed++
		var of *fs.PathError
		if !errors.Is(err, syscall.ENOSPC) || !errors.As(err, &of) || strings.HasSuffix(of.Path, tempSuffix) {
			t.Errorf("%d pages free: %v", free, err)
		}
		for name, data := range filesBelow(t, root) {
			switch name {
			case "cam/2026-03-01/120000.000Z.jpg", "cam/latest.jpg", "filler", "cam/2026-03-02/":
			default:
				t.Errorf("%d pages free: %s is left, of %d bytes", free, name, len(data))
			}
		}
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	for i, data := range []string{"two", "three", "four"} {
		put(t, d, shot(time.Duration(48+i)*time.Hour, data))
	}
	if failed < 4 {
		t.Errorf("only %d writes failed", failed)
	}
	if n := d.journals["cam"].count; n != 2 {
		t.Errorf("the journal counts %d pictures", n)
	}
	wantTree(t, root, map[string]string{
		"cam/2026-03-03/130000.000Z.jpg": "three", "cam/2026-03-03/140000.000Z.jpg": "four", "cam/latest.jpg": "four",
	})
}

// fillDisk fills a file system except this many pages.
func fillDisk(t *testing.T, filler string, pages int) {
	t.Helper()
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(info.Size() - int64(pages)*4096); err != nil {
		t.Fatal(err)
	}
}

func TestDirReadOnly(t *testing.T) {
	root := filepath.Join(t.TempDir(), "shots")
	d := openDir(t, root, nil)
	put(t, d, shot(0, "one"))
	mount(t, root, syscall.MS_RDONLY, "")
	if _, err := d.Put(within(t, testTime), shot(time.Second, "two")); !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), root) {
		t.Errorf("put: %v", err)
	}
	if _, err := OpenDir(root, nil); !errors.Is(err, syscall.EROFS) {
		t.Errorf("open: %v", err)
	}
	if err := syscall.Unmount(root, 0); err != nil {
		t.Fatal(err)
	}
	put(t, d, shot(time.Second, "two"))
	wantTree(t, root, map[string]string{
		"cam/2026-03-01/120000.000Z.jpg": "one", "cam/2026-03-01/120001.000Z.jpg": "two", "cam/latest.jpg": "two",
	})
}

// The newest picture's copy and the archive may be on different file systems,
// where one cannot be a link to the other.
func TestDirLatestOnAnotherFileSystem(t *testing.T) {
	root := filepath.Join(t.TempDir(), "shots")
	mount(t, filepath.Join(root, "cam"), 0, "size=256k")
	tmpl, err := ParseTemplate("archive/{name}-{unix}.{ext}", nil)
	if err != nil {
		t.Fatal(err)
	}
	d := openDir(t, root, &DirOptions{Template: tmpl})
	put(t, d, shot(0, "one"))
	put(t, d, shot(time.Second, "two"))
	wantTree(t, root, map[string]string{
		"archive/cam-1772366400.jpg": "one", "archive/cam-1772366401.jpg": "two", "cam/latest.jpg": "two",
	})
}
