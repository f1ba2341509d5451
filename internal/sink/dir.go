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
	// stateDir, below the directory, holds the lock and the journals. No template can
	// name it.
	stateDir      = ".kfgrab"
	lockName      = "lock"
	journalSuffix = ".journal"
	newSuffix     = ".new"
	// tempSuffix ends the names of unfinished files, which begin with a dot.
	tempSuffix = ".kfgrab"

	// maxSame bounds the pictures whose paths differ only in a number.
	maxSame = 10000
)

// DirOptions are the settings of a Dir. The zero value works.
type DirOptions struct {
	Template Template
	Latest   Template  // from [ParseLatest]; the zero value is DefaultLatest
	NoLatest bool      // keep no copy of the newest picture
	Keep     Retention // of streams for which [Dir.Retain] was not called
}

// Dir stores pictures in a directory and deletes old ones.
//
// A file is either complete or absent. None is overwritten except the newest picture's
// copy. Dir deletes only files that are in its journals (.kfgrab/NAME.journal in the
// directory) and still have the size and time of the file that was written. It deletes
// directories that it made when they become empty, and never the newest picture's copy.
//
// A process that is killed leaves at most unfinished files, which the next OpenDir
// removes. Dir does not sync files to the disk: the last seconds may be lost if the
// machine loses power.
type Dir struct {
	*tree
	opt DirOptions
}

// tree is a directory, whatever the names of its pictures are.
type tree struct {
	root string
	now  func() time.Time

	mu       sync.Mutex
	lock     *lockfile.Lock
	journals map[string]*journal // by fileName of the stream
	made     map[string]struct{} // directories that Dir made
	busy     map[string]struct{} // paths that are being written
}

// OpenDir opens the directory at root for this process alone until Close, and creates
// it if necessary. If another process uses it, the error wraps [lockfile.ErrHeld].
func OpenDir(root string, o *DirOptions) (*Dir, error) {
	d := (&Dir{tree: &tree{
		root: root, now: time.Now,
		journals: map[string]*journal{}, made: map[string]struct{}{}, busy: map[string]struct{}{},
	}}).With(o)
	if err := d.acquireLock(); err != nil {
		return nil, err
	}
	if err := d.recoverJournals(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// With returns a Dir with other options for the same directory, which cannot be opened
// twice. Close of either closes both.
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

// Close releases the directory for other processes.
func (d *Dir) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lock == nil {
		return nil
	}
	defer func() { d.lock = nil }()
	return d.lock.Release()
}

func (d *tree) acquireLock() error {
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

// ensureLocked acquires the lock again if the directory was deleted. Another process
// may have created it again meanwhile.
func (d *tree) ensureLocked() error {
	d.mu.Lock()
	defer d.mu.Unlock()

	switch {
	case d.lock == nil:
		return fs.ErrClosed
	case !d.lock.Lost():
		return nil
	}

	lost := d.lock
	if err := d.acquireLock(); err != nil {
		d.lock = lost
		return err
	}
	lost.Release()
	clear(d.made)
	return nil
}

// recoverJournals reads the journals and removes the unfinished files of a killed
// process.
func (d *tree) recoverJournals() error {
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
	j := d.journalOf(name)
	if err := j.openFile(); err != nil {
		return err
	}
	defer j.closeFile()

	for _, dir := range j.dirs {
		d.made[dir] = struct{}{}
	}

	for _, t := range j.temps {
		base := path.Base(t)
		if !strings.HasPrefix(base, ".") || !strings.HasSuffix(base, tempSuffix) {
			continue
		}
		if err := os.Remove(d.filePath(t)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// journalOf returns the journal of the stream with this file name.
func (d *tree) journalOf(name string) *journal {
	d.mu.Lock()
	defer d.mu.Unlock()
	j := d.journals[name]
	if j == nil {
		j = &journal{path: filepath.Join(d.root, stateDir, name+journalSuffix)}
		d.journals[name] = j
	}
	return j
}

func (d *tree) filePath(slashed string) string {
	return filepath.Join(d.root, filepath.FromSlash(slashed))
}

// Put stores p and returns its path, below root as it was passed to OpenDir. Then it
// replaces the newest picture's copy and deletes what exceeds the stream's [Retention].
//
// If only the latter two fail, Put returns both the path and an error. Errors have type
// *fs.PathError. A Put that fails leaves nothing, and the next one succeeds once the
// cause, such as a full disk, is gone. Put creates a deleted root again.
func (d *Dir) Put(ctx context.Context, p *Picture) (file string, err error) {
	if p.Stream == "" {
		return "", errNoStream
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}

	j := d.journalOf(fileName(p.Stream))
	j.mu.Lock()
	defer j.mu.Unlock()

	if !j.retained {
		j.keep = d.opt.Keep
	}
	j.used = true

	if err := d.ensureLocked(); err != nil {
		return "", err
	}
	if err := j.openFile(); err != nil {
		return "", err
	}
	defer j.closeFile()

	name, err := d.writePicture(j, p)
	if err != nil {
		return "", err
	}
	if !d.opt.NoLatest {
		err = d.replaceLatest(p, name)
	}
	return d.filePath(name), errors.Join(err, d.pruneJournal(ctx, j, prunePerPut))
}
