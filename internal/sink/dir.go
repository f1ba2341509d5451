package sink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab/internal/lockfile"
)

const (
	// stateDir, in the directory, has the lock and the journals. No template leads
	// there.
	stateDir      = ".kfgrab"
	lockName      = "lock"
	journalSuffix = ".journal"
	newSuffix     = ".new"
	// tempSuffix ends the names of unfinished files, which begin with a dot.
	tempSuffix = ".kfgrab"

	// maxSame bounds the pictures that may have one path but for a number.
	maxSame = 10000
)

// ErrInUse is wrapped by the error of [OpenDir] where another process, which the error
// names, writes to the directory.
var ErrInUse = lockfile.ErrHeld

// DirOptions says how pictures are put into a directory. The zero value works.
type DirOptions struct {
	Template Template
	Latest   Template  // of [ParseLatest]; the zero value is DefaultLatest
	NoLatest bool      // keep no file of the newest picture
	Keep     Retention // of streams for which [Dir.Retain] says nothing else
}

// Dir puts pictures into a directory, from which it also deletes them.
//
// A file is whole or not there, and none is overwritten but the newest's. It deletes
// what its journals (.kfgrab/NAME.journal in the directory) tell of, if it is still
// the file that was written: of the same size, and not changed since. Directories that
// it made go with their last file. The newest's copy is never deleted.
//
// A process that is killed leaves at most unfinished files, which the next OpenDir
// removes. Files are not forced onto the disk: a machine that loses its power may lose
// the last seconds.
type Dir struct {
	*tree
	opt DirOptions
}

// tree is a directory, whatever its pictures are called.
type tree struct {
	root string
	now  func() time.Time

	mu       sync.Mutex
	lock     *lockfile.Lock
	journals map[string]*journal // by FileName of the stream
	made     map[string]struct{} // directories that are ours
	busy     map[string]struct{} // paths being written
}

// OpenDir takes the directory at root, which is made where it is absent, for this
// process alone until Close. Where another one has it, the error wraps [ErrInUse].
func OpenDir(root string, o *DirOptions) (*Dir, error) {
	d := (&Dir{tree: &tree{
		root: root, now: time.Now,
		journals: map[string]*journal{}, made: map[string]struct{}{}, busy: map[string]struct{}{},
	}}).With(o)
	if err := d.acquire(); err != nil {
		return nil, err
	}
	if err := d.recover(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// With returns a Dir that puts into the same directory by other options, as two Dirs
// that are opened cannot. Close of either is that of both.
func (d *Dir) With(o *DirOptions) *Dir {
	other := &Dir{tree: d.tree}
	if o != nil {
		other.opt = *o
	}
	if other.opt.Latest.text == "" {
		other.opt.Latest.text = DefaultLatest
	}
	return other
}

// Close lets others write to the directory.
func (d *Dir) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lock == nil {
		return nil
	}
	defer func() { d.lock = nil }()
	return d.lock.Release()
}

func (d *tree) acquire() error {
	if err := os.MkdirAll(filepath.Join(d.root, stateDir), 0o755); err != nil {
		return err
	}
	lock, err := lockfile.Acquire(filepath.Join(d.root, stateDir, lockName))
	if errors.Is(err, lockfile.ErrHeld) {
		return fmt.Errorf("%s is in use: %w", d.root, err)
	}
	d.lock = lock
	return err
}

// hold takes the lock again where the directory was deleted and may have been made
// anew by another process.
func (d *tree) hold() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.lock == nil:
		return fs.ErrClosed
	case !d.lock.Lost():
		return nil
	}
	lost := d.lock
	if err := d.acquire(); err != nil {
		d.lock = lost
		return err
	}
	lost.Release()
	clear(d.made)
	return nil
}

// recover reads the journals and removes what a killed process has left unfinished.
func (d *tree) recover() error {
	entries, err := os.ReadDir(filepath.Join(d.root, stateDir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, isJournal := strings.CutSuffix(e.Name(), journalSuffix)
		switch {
		case strings.HasSuffix(e.Name(), journalSuffix+newSuffix):
			os.Remove(filepath.Join(d.root, stateDir, e.Name()))
		case isJournal:
			if err := d.recoverStream(name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *tree) recoverStream(name string) error {
	j := d.journal(name)
	if err := j.open(); err != nil {
		return err
	}
	defer j.close()
	for _, dir := range j.dirs {
		d.made[dir] = struct{}{}
	}
	for _, t := range j.temps {
		base := path.Base(t)
		if !strings.HasPrefix(base, ".") || !strings.HasSuffix(base, tempSuffix) {
			continue
		}
		if err := os.Remove(d.path(t)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// journal returns that of a stream of this file name.
func (d *tree) journal(name string) *journal {
	d.mu.Lock()
	defer d.mu.Unlock()
	j := d.journals[name]
	if j == nil {
		j = &journal{path: filepath.Join(d.root, stateDir, name+journalSuffix)}
		d.journals[name] = j
	}
	return j
}

func (d *tree) path(slashed string) string { return filepath.Join(d.root, filepath.FromSlash(slashed)) }

// Put writes p and returns its path, below the root as it was given to OpenDir, then
// replaces the newest's file and deletes what the stream's [Retention] has too much.
//
// Where only the latter two fail, it returns both the path and an error. Errors are
// of type *fs.PathError; a Put that has failed leaves nothing, and the next one works
// again when its cause, such as a full disk, is gone. A root that was deleted is made
// anew.
func (d *Dir) Put(ctx context.Context, p *Picture) (file string, err error) {
	if p.Stream == "" {
		return "", errNoStream
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	j := d.journal(FileName(p.Stream))
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.retained {
		j.keep = d.opt.Keep
	}
	j.used = true
	if err := d.hold(); err != nil {
		return "", err
	}
	if err := j.open(); err != nil {
		return "", err
	}
	defer j.close()
	name, err := d.write(j, p)
	if err != nil {
		return "", err
	}
	if !d.opt.NoLatest {
		err = d.replaceLatest(p, name)
	}
	return d.path(name), errors.Join(err, d.prune(ctx, j, prunePerPut))
}
