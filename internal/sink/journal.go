package sink

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/kfgrab/kfgrab/internal/atomicfile"
	"github.com/kfgrab/kfgrab/internal/lockfile"
)

// compactAbove is the size below which a journal is left as it is: rewriting what is
// read at once saves nothing.
const compactAbove = 64 << 10

// journal is the file of a ledger. It is open only while one of its pictures is
// written: there may be a thousand.
type journal struct {
	mu       sync.Mutex // held for as long as the stream's files change
	path     string
	keep     Retention
	retained bool // by Retain, which no Put changes
	used     bool // Put or Retain has named the stream
	file     *os.File
	ledger
}

// open opens the journal, made where it is absent. One that is not as it was left,
// such as after the directory was deleted, is read anew.
func (j *journal) open() error {
	if err := os.MkdirAll(filepath.Dir(j.path), 0o755); err != nil {
		return err
	}
	file, err := lockfile.Open(j.path)
	if err != nil {
		return err
	}
	j.file = file
	info, err := file.Stat()
	if err == nil && info.Size() != j.size {
		err = j.reread()
	}
	if err != nil {
		j.close()
	}
	return err
}

func (j *journal) close() {
	j.file.Close()
	j.file = nil
}

// reread reads the journal from its start, and cuts a line off that was not written
// to its end.
func (j *journal) reread() error {
	j.ledger = ledger{}
	if _, err := j.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := j.read(j.file); err != nil {
		return err
	}
	return j.file.Truncate(j.size)
}

// write appends a line. Where it fails, as on a full disk, nothing is appended.
func (j *journal) write(line string) error {
	if _, err := j.file.WriteAt([]byte(line), j.size); err != nil {
		j.file.Truncate(j.size)
		return err
	}
	j.apply(line)
	j.size += int64(len(line))
	return nil
}

// undo takes back what was written since before.
func (j *journal) undo(before ledger) {
	if j.file.Truncate(before.size) == nil {
		j.ledger = before
	}
}

// compact rewrites the journal without what is deleted, once that is most of it; the
// next open reads it anew. A failure leaves it as it was, and is tried again.
func (j *journal) compact(isOurs func(dir string) bool) {
	if j.head < compactAbove || j.head < j.size/2 {
		return
	}
	f, err := atomicfile.CreateAs(j.path, j.path+newSuffix)
	if err != nil {
		return
	}
	defer f.Discard()
	if err := j.copyLive(f, isOurs); err == nil && f.Commit() == nil {
		j.size = -1
	}
}

// copyLive writes the directories and pictures that are there.
func (j *journal) copyLive(w io.Writer, isOurs func(dir string) bool) error {
	out := bufio.NewWriter(w)
	told := map[string]bool{}
	for _, dir := range j.dirs {
		if !told[dir] && isOurs(dir) {
			out.WriteString(quoted("d", dir))
		}
		told[dir] = true
	}
	lines := bufio.NewReaderSize(j.fromHead(), maxLine)
	for {
		line, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err == io.EOF:
			return out.Flush()
		case err != nil:
			return err
		case line[0] == '+':
			out.Write(line)
		}
	}
}

func (j *journal) fromHead() io.Reader {
	return io.NewSectionReader(j.file, j.head, j.size-j.head)
}
