package watch

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/kfgrab/kfgrab/internal/atomicfile"
	"github.com/kfgrab/kfgrab/internal/event"
	"github.com/kfgrab/kfgrab/internal/lockfile"
	"github.com/kfgrab/kfgrab/internal/schedule"
)

const (
	// maxJournal bounds the file: a hundred thousand streams take 40 MB.
	maxJournal = 64 << 20
	// maxRecord bounds a line. Its longest part is the name.
	maxRecord = 64 << 10
	// slack is how far a journal may grow beyond twice its needed size before it is
	// rewritten: some hundred runs.
	slack = 64 << 10
	// forgetAfter is longer than any wait between two runs of a stream.
	forgetAfter = schedule.MaxEvery + 30*24*time.Hour
)

// record is the state of a stream for the next start, a line of the journal.
type record struct {
	Name string `json:"name"`
	schedule.State
	// Keyframe is the frameID of the last stored keyframe.
	Keyframe string `json:"keyframe,omitempty"`
	// Outage has the failures since the last success.
	Outage event.Outage `json:"outage,omitzero"`
}

// journal is a file of records, of which the last one of each stream is valid. A line is
// appended before a picture is stored and after the run. Incomplete lines, from a process
// that was killed, are skipped. The nil journal keeps nothing.
type journal struct {
	path    string
	records map[string]record
	size    int64 // of the file
	kept    int64 // size after the last rewriteFile
	torn    bool  // the last line may be incomplete
	failed  error // of the last write
	lock    *lockfile.Lock
}

// openJournal locks and reads the file at path, which need not exist. If another process
// uses it, the error wraps lockfile.ErrHeld.
func openJournal(path string, now time.Time) (*journal, error) {
	j := &journal{path: path, records: map[string]record{}, torn: true}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	var err error
	if j.lock, err = lockfile.Acquire(path + ".lock"); err != nil {
		return nil, err
	}
	if err := j.loadFile(now); err != nil {
		return nil, errors.Join(err, j.releaseLock())
	}
	// A full disk is no reason not to start.
	j.failed = j.rewriteFile()
	return j, nil
}

func (j *journal) releaseLock() error {
	if j == nil {
		return nil
	}
	return j.lock.Release()
}

func (j *journal) loadFile(now time.Time) error {
	file, err := os.Open(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular() || info.Size() > maxJournal:
		return fmt.Errorf("%s is not a state file of kfgrab watch", j.path)
	}
	j.size, err = j.readRecords(file, now)
	return err
}

// readRecords reads the records and returns the number of bytes.
func (j *journal) readRecords(r io.Reader, now time.Time) (size int64, err error) {
	lines := bufio.NewReaderSize(r, maxRecord)
	for {
		line, err := lines.ReadSlice('\n')
		size += int64(len(line))
		switch {
		case errors.Is(err, bufio.ErrBufferFull), errors.Is(err, io.EOF) && len(line) > 0:
			continue // an incomplete line
		case errors.Is(err, io.EOF):
			return size, nil
		case err != nil:
			return size, err
		}

		var rec record
		if json.Unmarshal(line, &rec) != nil || rec.Name == "" {
			continue
		}
		j.records[rec.Name] = rec
		if now.Sub(rec.Started) >= forgetAfter { // or it never ran
			delete(j.records, rec.Name)
		}
	}
}

// recordOf returns the record of a stream, or one with only its name.
func (j *journal) recordOf(name string) record {
	if j == nil {
		return record{Name: name}
	}
	rec := j.records[name]
	rec.Name = name
	return rec
}

// saveRecords appends records to the file. It returns the first of several errors in a
// row, and nil for the others.
func (j *journal) saveRecords(records ...record) error {
	if j == nil || len(records) == 0 {
		return nil
	}
	var lines bytes.Buffer
	if j.torn {
		lines.WriteByte('\n')
	}
	for _, rec := range records {
		j.records[rec.Name] = rec
		if err := encodeRecord(&lines, rec); err != nil {
			return err
		}
	}

	var err error
	if j.size > 2*j.kept+slack {
		err = j.rewriteFile()
	} else if err = j.appendLines(lines.Bytes()); errors.Is(err, fs.ErrNotExist) {
		err = j.rewriteFile() // it was deleted
	}

	known := j.failed != nil
	j.failed = err
	if known {
		return nil
	}
	return err
}

func encodeRecord(w io.Writer, rec record) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(rec)
}

func (j *journal) appendLines(lines []byte) error {
	file, err := os.OpenFile(j.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	n, err := file.Write(lines)
	j.size += int64(n)
	j.torn = err != nil
	return errors.Join(err, file.Close())
}

// rewriteFile replaces the file by one that has only the records. It syncs the new file
// before it replaces the old one.
func (j *journal) rewriteFile() error {
	if err := os.MkdirAll(filepath.Dir(j.path), 0o755); err != nil {
		return err
	}
	file, err := atomicfile.CreateAs(j.path, j.path+".new")
	if err != nil {
		return err
	}
	defer file.Discard()

	var lines bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(j.records)) {
		if err := encodeRecord(&lines, j.records[name]); err != nil {
			return err
		}
	}

	if _, err := file.Write(lines.Bytes()); err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Commit()); err != nil {
		return err
	}
	j.size = int64(lines.Len())
	j.kept = j.size
	j.torn = false
	return nil
}
