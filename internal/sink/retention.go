package sink

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"time"
)

// prunePerPut bounds the files that one Put deletes. The first picture after a
// retention was set must not wait for a hundred thousand deletions; later ones go on.
const prunePerPut = 1000

// modifiedWithin is how far a file's time may be from the journal's: file systems
// round it, by two seconds at most.
const modifiedWithin = 2 * time.Second

// Retention limits which pictures of a stream are kept. 0 means no limit. The newest
// picture stays whatever its size.
type Retention struct {
	Age   time.Duration // since the picture was taken
	Count int
	Bytes int64
}

// isExceeded reports whether the picture at the head is to be deleted.
func (r Retention) isExceeded(l *ledger, e entry, now time.Time) bool {
	return (r.Count > 0 && l.count > r.Count) ||
		(r.Bytes > 0 && l.bytes > r.Bytes && l.count > 1) ||
		(r.Age > 0 && l.ageOf(e, now) > r.Age)
}

// Retain sets the retention of a stream, from its next picture or Prune on.
func (d *Dir) Retain(stream string, r Retention) {
	j := d.journalOf(fileName(stream))
	j.mu.Lock()
	defer j.mu.Unlock()
	j.keep = r
	j.retained, j.used = true, true
}

// Prune deletes what exceeds the retention of the streams that Put or Retain has named,
// because pictures grow old even if no new one comes. It leaves pictures that other
// streams stored in earlier runs.
func (d *Dir) Prune(ctx context.Context) error {
	d.mu.Lock()
	all := make([]*journal, 0, len(d.journals))
	for _, j := range d.journals {
		all = append(all, j)
	}
	d.mu.Unlock()

	var failed error
	for _, j := range all {
		if err := d.pruneStream(ctx, j); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

func (d *tree) pruneStream(ctx context.Context, j *journal) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.used || j.keep == (Retention{}) {
		return nil
	}

	if err := d.ensureLocked(); err != nil {
		return err
	}
	if err := j.openFile(); err != nil {
		return err
	}
	defer j.closeFile()
	return d.pruneJournal(ctx, j, j.count)
}

// pruneJournal deletes up to most files from the head of an open journal.
func (d *tree) pruneJournal(ctx context.Context, j *journal, most int) error {
	if j.keep == (Retention{}) {
		return nil
	}
	head := j.head
	err := d.pruneHead(ctx, j, most)
	if j.head == head {
		return err
	}
	// If this fails, the next pruning finds that the files are gone.
	j.appendLine(headLine(&j.ledger))
	j.compactFile(d.isOurs)
	return err
}

func (d *tree) pruneHead(ctx context.Context, j *journal, most int) error {
	lines := bufio.NewReaderSize(j.headReader(), maxLine)
	at := j.head

	for n := 0; n < most; {
		line, err := lines.ReadSlice('\n')
		if err == io.EOF {
			return nil
		} else if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		at += int64(len(line))
		e, ok := parseEntryLine(line)
		if !ok {
			continue
		}

		if !j.keep.isExceeded(&j.ledger, e, d.now()) {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := d.removePicture(e); err != nil {
			return err
		}
		j.dropHead(e, at)
		n++
	}
	return nil
}

// removePicture deletes a picture if it is still the file that was written, then the
// directories that the sink made and that are empty now.
func (d *tree) removePicture(e entry) error {
	file := d.filePath(e.path)
	info, err := os.Lstat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !isAsWritten(info, e):
		return nil
	default:
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}

	d.removeDirs(path.Dir(e.path))
	return nil
}

func isAsWritten(info fs.FileInfo, e entry) bool {
	return info.Mode().IsRegular() && info.Size() == e.size &&
		info.ModTime().Sub(time.UnixMilli(e.modified)).Abs() <= modifiedWithin
}

// removeDirs removes dir and its parents as long as the sink made them and they are
// empty.
func (d *tree) removeDirs(dir string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for ; dir != "."; dir = path.Dir(dir) {
		if _, ours := d.made[dir]; !ours {
			return
		}
		if err := os.Remove(d.filePath(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return
		}
		delete(d.made, dir)
	}
}
