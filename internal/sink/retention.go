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

// prunePerPut bounds the files that one Put deletes, so that the first picture after a
// retention was set does not wait for a hundred thousand; the next ones go on.
const prunePerPut = 1000

// modifiedWithin is how far a file's time may be from what the journal has: file
// systems round it, by two seconds at most.
const modifiedWithin = 2 * time.Second

// Retention says how much is kept of a stream. 0 means no limit. The newest picture
// stays whatever its size.
type Retention struct {
	Age   time.Duration // since it was taken
	Count int
	Bytes int64
}

// exceeded says whether the picture at the head is too much.
func (r Retention) exceeded(l *ledger, e entry, now time.Time) bool {
	return r.Count > 0 && l.count > r.Count ||
		r.Bytes > 0 && l.bytes > r.Bytes && l.count > 1 ||
		r.Age > 0 && l.age(e, now) > r.Age
}

// Retain sets what is kept of a stream from its next picture or Prune on.
func (d *Dir) Retain(stream string, r Retention) {
	j := d.journal(FileName(stream))
	j.mu.Lock()
	defer j.mu.Unlock()
	j.keep, j.retained, j.used = r, true, true
}

// Prune deletes what is too much by now of the streams that Put or Retain has named,
// as pictures grow old even where no new one comes. What other streams have left from
// earlier runs stays.
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
	if err := d.hold(); err != nil {
		return err
	}
	if err := j.open(); err != nil {
		return err
	}
	defer j.close()
	return d.prune(ctx, j, j.count)
}

// prune deletes from the head of an open journal, most files at once.
func (d *tree) prune(ctx context.Context, j *journal, most int) error {
	if j.keep == (Retention{}) {
		return nil
	}
	head := j.head
	err := d.pruneHead(ctx, j, most)
	if j.head == head {
		return err
	}
	// Where this is not written, the files are found to be gone the next time.
	j.write(deleted(&j.ledger))
	j.compact(d.isOurs)
	return err
}

func (d *tree) pruneHead(ctx context.Context, j *journal, most int) error {
	lines := bufio.NewReaderSize(j.fromHead(), maxLine)
	for at, n := j.head, 0; n < most; {
		line, err := lines.ReadSlice('\n')
		if err == io.EOF {
			return nil
		} else if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		at += int64(len(line))
		e, ok := entryOf(line)
		if !ok {
			continue
		}
		if !j.keep.exceeded(&j.ledger, e, d.now()) {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := d.remove(e); err != nil {
			return err
		}
		j.removed(e, at)
		n++
	}
	return nil
}

// remove deletes a picture if it is the one that was written, then the directories
// that are ours and empty now.
func (d *tree) remove(e entry) error {
	file := d.path(e.path)
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

// removeDirs removes dir and those above it as long as they are ours and empty.
func (d *tree) removeDirs(dir string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for ; dir != "."; dir = path.Dir(dir) {
		if _, ours := d.made[dir]; !ours {
			return
		}
		if err := os.Remove(d.path(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return
		}
		delete(d.made, dir)
	}
}
