package watch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/lockfile"
	"github.com/kfgrab/kfgrab/internal/schedule"
)

func openTest(t *testing.T, path string) *journal {
	t.Helper()
	j, err := openJournal(path, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.releaseLock() })
	return j
}

func aRecord(name string, failures int) record {
	return record{Name: name, State: schedule.State{Started: time.Now().UTC(), Failures: failures}, Keyframe: "0123"}
}

// Wherever the file ends, all records with complete lines are read.
func TestJournalTorn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	j := openTest(t, path)
	for i := range 5 {
		if err := j.saveRecords(aRecord("one", i), aRecord("two", i)); err != nil {
			t.Fatal(err)
		}
	}
	j.releaseLock()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n <= len(whole); n += 7 {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		j := openTest(t, path)
		for name, before := range map[string]string{"one": `{"name":"one"`, "two": `{"name":"two"`} {
			lines := strings.SplitAfter(string(whole[:n]), "\n")
			want := 0
			for _, line := range lines[:len(lines)-1] {
				if strings.HasPrefix(line, before) {
					fmt.Sscanf(line[strings.Index(line, `"failures":`)+len(`"failures":`):], "%d", &want) //nolint:errcheck // 0 is left out
				}
			}
			if got := j.recordOf(name); got.Failures != want {
				t.Errorf("%d bytes: %s has %d, want %d", n, name, got.Failures, want)
			}
		}
		j.releaseLock()
	}
}

// Failing writes are reported once. When writing works again, all records are
// in the file, even after an incomplete line.
func TestJournalFails(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	path := filepath.Join(dir, "file")
	j := openTest(t, path)
	if err := j.saveRecords(aRecord("one", 1)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // in the way
		t.Fatal(err)
	}
	if err := j.saveRecords(aRecord("two", 2)); err == nil {
		t.Error("no error")
	}
	if err := j.saveRecords(aRecord("two", 3)); err != nil {
		t.Error("reported twice:", err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := j.saveRecords(aRecord("three", 4)); err != nil {
		t.Fatal(err)
	}
	j.releaseLock()
	j = openTest(t, path)
	for name, want := range map[string]int{"one": 1, "two": 3, "three": 4, "four": 0} {
		if got := j.recordOf(name); got.Failures != want || got.Name != name {
			t.Errorf("%+v, want %d", got, want)
		}
	}
}

// The file does not grow for ever, and very old records are forgotten.
func TestJournalGrows(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	j := openTest(t, path)
	for i := range 2000 {
		if err := j.saveRecords(aRecord(fmt.Sprint(i%3), i)); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Size() > 2*slack {
		t.Errorf("%v, %v", info.Size(), err)
	}
	j.releaseLock()
	j = openTest(t, path)
	if got := j.recordOf("1"); got.Failures != 1999 {
		t.Errorf("%+v", got)
	}
	j.releaseLock()
	j, err := openJournal(path, time.Now().Add(forgetAfter+time.Minute))
	if err != nil || len(j.records) > 0 {
		t.Errorf("%+v, %v", j.records, err)
	}
	j.releaseLock()
}

func TestJournalRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	j := openTest(t, path)
	if _, err := openJournal(path, time.Now()); !errors.Is(err, lockfile.ErrHeld) {
		t.Errorf("opened twice: %v", err)
	}
	j.releaseLock()
	if err := os.Truncate(path, maxJournal+1); err != nil {
		t.Fatal(err)
	}
	if _, err := openJournal(path, time.Now()); err == nil || !strings.Contains(err.Error(), "not a state file") {
		t.Errorf("too large: %v", err)
	}
	if _, err := openJournal(os.TempDir(), time.Now()); err == nil {
		t.Error("opened a directory")
	}
}

// FuzzJournal: any file is read, and records written to it are read again.
func FuzzJournal(f *testing.F) {
	f.Add([]byte(`{"name":"cam","due":"2026-03-01T00:00:00Z","started":"2026-03-01T00:00:00Z","failures":3}` + "\n" + `{"name":"cam","fail`))
	f.Add([]byte("\n\n{}\nnull\n[]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		j := openTest(t, path)
		if err := j.saveRecords(aRecord("mine", 7)); err != nil {
			t.Fatal(err)
		}
		n := len(j.records)
		j.releaseLock()
		j = openTest(t, path)
		if j.recordOf("mine").Failures != 7 || len(j.records) != n {
			t.Errorf("%d records, then %d", n, len(j.records))
		}
		j.releaseLock()
	})
}
