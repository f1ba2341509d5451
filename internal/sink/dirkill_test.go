package sink

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A process that is killed while it writes leaves complete pictures. The next
// start removes its unfinished files, and none of the user's files.
func TestDirKilled(t *testing.T) {
	root := t.TempDir()
	mine := filepath.Join(root, "cam", ".mine.jpg.kfgrab")
	writeFile(t, mine, "mine")
	unfinished := 0
	for round := 0; round < 50 && (round < 5 || unfinished == 0); round++ {
		killWhileWriting(t, root)
		wantWholePictures(t, root)
		unfinished += len(unfinishedFiles(t, root)) - 1 // except the user's
		d, err := OpenDir(root, &DirOptions{Keep: Retention{Count: 3}})
		if err != nil {
			t.Fatal(err)
		}
		if left := unfinishedFiles(t, root); len(left) != 1 || left[0] != mine {
			t.Fatalf("after the next start: %v", left)
		}
		p := shot(0, "")
		p.Time, p.Data = time.Now(), make([]byte, largePicture)
		put(t, d, p)
		d.Close()
		if n := len(pictures(t, root)); n > 3+1 { // plus the newest picture's copy
			t.Fatalf("round %d: %d pictures are left", round, n)
		}
	}
	if unfinished == 0 {
		t.Error("no process was killed in the middle of a write")
	}
}

// killWhileWriting starts a process that writes, and kills it when there is an
// unfinished file.
func killWhileWriting(t *testing.T, root string) {
	t.Helper()
	ctx := within(t, testTime)
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), "SINK_TEST_WRITE="+root)
	var said bytes.Buffer
	cmd.Stdout = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for len(unfinishedFiles(t, root)) < 2 && ctx.Err() == nil {
	}
	cmd.Process.Kill()
	cmd.Wait()
	if said.Len() > 0 || ctx.Err() != nil {
		t.Fatalf("the other process: %s, %v", &said, ctx.Err())
	}
}

func unfinishedFiles(t *testing.T, root string) (found []string) {
	t.Helper()
	filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(e.Name(), ".") && e.Name() != stateDir && !e.IsDir() {
			found = append(found, p)
		}
		return nil // files come and go
	})
	return found
}

func pictures(t *testing.T, root string) (found []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(root, "cam", "*", "*.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	latest := filepath.Join(root, "cam", "latest.jpg")
	if _, err := os.Lstat(latest); err == nil {
		all = append(all, latest)
	}
	for _, p := range all {
		if !strings.HasPrefix(path.Base(p), ".") {
			found = append(found, p)
		}
	}
	return found
}

func wantWholePictures(t *testing.T, root string) {
	t.Helper()
	for _, p := range pictures(t, root) {
		data, err := os.ReadFile(p)
		if err != nil || len(data) != largePicture || bytes.Count(data, data[:1]) != largePicture {
			t.Fatalf("%s: %d bytes, not whole (%v)", p, len(data), err)
		}
	}
}

// OpenDir removes each file that is unfinished by the journal, at whatever step
// its writer died. The archive's link to a half-made newest picture stays.
func TestDirRecovers(t *testing.T) {
	root := t.TempDir()
	d := openDir(t, root, nil)
	first := put(t, d, shot(0, "one"))
	d.Close()
	journal := filepath.Join(root, stateDir, "cam.journal")
	told, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	unfinished := []string{"cam/2026-03-01/.120001.000Z.jpg.kfgrab", "cam/.latest.jpg.kfgrab"}
	steps := pathLine("t", unfinished...) + entry{noon.UnixMilli(), noon.UnixMilli(), 3, "cam/2026-03-01/120001.000Z.jpg"}.String()
	for end := range len(steps) + 1 {
		if err := os.WriteFile(journal, append(told[:len(told):len(told)], steps[:end]...), 0o644); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"cam/2026-03-01/120000.000Z.jpg": "one", "cam/latest.jpg": "one", ".120001.000Z.jpg.kfgrab": "mine"}
		writeFile(t, filepath.Join(root, ".120001.000Z.jpg.kfgrab"), "mine")
		if strings.Contains(steps[:end], "\n") { // no unfinished file is made before that
			writeFile(t, filepath.Join(root, unfinished[0]), "tw")
			if err := os.Link(first, filepath.Join(root, unfinished[1])); err != nil {
				t.Fatal(err)
			}
		}
		again := openDir(t, root, nil)
		wantTree(t, root, want)
		again.Close()
	}
}
