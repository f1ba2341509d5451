package sink

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/kfgrab/kfgrab/internal/atomicfile"
)

// attempts of a write whose directory is deleted under it, as by the retention of
// another stream that has the directory, too.
const attempts = 3

// write writes p to a path that it returns and that was free.
func (d *Dir) write(j *journal, p *Picture) (name string, err error) {
	name, err = d.claim(p)
	if err != nil {
		return "", err
	}
	defer d.release(name)
	for range attempts {
		if err = d.makeDirs(j, p, name); err == nil {
			err = d.writeAs(j, p, name)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return name, err
}

// claim finds a path that nothing has and nobody else is about to write to.
func (d *Dir) claim(p *Picture) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	wanted := d.opt.Template.Path(p)
	for n := range maxSame {
		name := numbered(wanted, n)
		if _, busy := d.busy[name]; busy {
			continue
		}
		_, err := os.Lstat(d.path(name))
		if errors.Is(err, fs.ErrNotExist) {
			d.busy[name] = struct{}{}
			return name, nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", &fs.PathError{Op: "write", Path: d.path(wanted), Err: fmt.Errorf("%w, as do %d more of its kind", fs.ErrExist, maxSame-1)}
}

func (d *tree) release(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.busy, name)
}

// makeDirs makes the directories of the picture and of the newest's, those that are
// missing after they are in the journal. Nobody removes one between the two.
func (d *Dir) makeDirs(j *journal, p *Picture, name string) error {
	dirs := []string{path.Dir(name)}
	if !d.opt.NoLatest {
		dirs = append(dirs, path.Dir(d.opt.Latest.Path(p)))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, dir := range dirs {
		if missing := d.missing(dir); len(missing) > 0 {
			if err := j.write(quoted("d", missing...)); err != nil {
				return pathError(d.path(name), err)
			}
			for _, m := range missing {
				d.made[m] = struct{}{}
			}
		}
		if err := os.MkdirAll(d.path(dir), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// missing returns dir and those above it that are not there, nor known as ours. The
// caller holds d.mu.
func (d *tree) missing(dir string) (found []string) {
	for ; dir != "."; dir = path.Dir(dir) {
		if _, err := os.Lstat(d.path(dir)); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		if _, ours := d.made[dir]; !ours {
			found = append(found, dir)
		}
	}
	slices.Reverse(found)
	return found
}

func (d *tree) isOurs(dir string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ours := d.made[dir]
	return ours
}

// writeAs writes the file called name. The journal knows of each file before it is
// there; what did not come about, it forgets.
func (d *Dir) writeAs(j *journal, p *Picture, name string) (err error) {
	before := j.ledger
	defer func() {
		if err != nil {
			j.undo(before)
			err = pathError(d.path(name), err)
		}
	}()
	temps := []string{temporary(name)}
	if !d.opt.NoLatest {
		temps = append(temps, temporary(d.opt.Latest.Path(p)))
	}
	if err := j.write(quoted("t", temps...)); err != nil {
		return err
	}
	f, err := begin(d.path(name), d.path(temps[0]), p.Data)
	if err != nil {
		return err
	}
	defer f.Discard()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	written := entry{p.Time.UnixMilli(), info.ModTime().UnixMilli(), info.Size(), name}
	if err := j.write(written.String()); err != nil {
		return err
	}
	return f.Commit()
}

// begin returns a file that holds data and is to be committed or discarded.
func begin(file, temp string, data []byte) (*atomicfile.File, error) {
	f, err := atomicfile.CreateAs(file, temp)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(data); err != nil {
		f.Discard()
		return nil, err
	}
	return f, nil
}

func temporary(name string) string {
	return path.Join(path.Dir(name), "."+path.Base(name)+tempSuffix)
}

// replaceLatest makes the newest's file another link of the picture called name; where
// the file system has no links, a copy.
func (d *Dir) replaceLatest(p *Picture, name string) error {
	latest := d.opt.Latest.Path(p)
	file, temp := d.path(latest), d.path(temporary(latest))
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return pathError(file, err)
	}
	if err := os.Link(d.path(name), temp); err == nil {
		if err := os.Rename(temp, file); err != nil {
			os.Remove(temp)
			return pathError(file, err)
		}
		return nil
	}
	f, err := begin(file, temp, p.Data)
	if err == nil {
		err = f.Commit()
	}
	if err != nil {
		return pathError(file, err)
	}
	return nil
}

// pathError names the file that was meant in place of one on its way.
func pathError(file string, err error) error {
	var of *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &of):
		err = of.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return &fs.PathError{Op: "write", Path: file, Err: err}
}
