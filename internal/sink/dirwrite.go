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

// writeAttempts bounds the attempts to write a file whose directory disappears
// meanwhile, as when the retention of another stream deletes it.
const writeAttempts = 3

// writePicture writes p to a path that was free, and returns the path.
func (d *Dir) writePicture(j *journal, p *Picture) (name string, err error) {
	name, err = d.claimPath(p)
	if err != nil {
		return "", err
	}
	defer d.releasePath(name)

	for range writeAttempts {
		if err = d.makeDirs(j, p, name); err == nil {
			err = d.writeNamed(j, p, name)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return name, err
}

// claimPath finds a path that does not exist and that no other Put is about to write.
func (d *Dir) claimPath(p *Picture) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	wanted := d.opt.Template.Path(p)

	for n := range maxSame {
		name := numberedPath(wanted, n)
		if _, busy := d.busy[name]; busy {
			continue
		}
		_, err := os.Lstat(d.filePath(name))
		if errors.Is(err, fs.ErrNotExist) {
			d.busy[name] = struct{}{}
			return name, nil
		}
		if err != nil {
			return "", err
		}
	}

	err := fmt.Errorf("%w, and so do %d numbered ones", fs.ErrExist, maxSame-1)
	return "", &fs.PathError{Op: "write", Path: d.filePath(wanted), Err: err}
}

func (d *tree) releasePath(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.busy, name)
}

// makeDirs makes the directories of the picture and of the newest picture's copy. It
// enters missing ones into the journal first. The lock keeps removeDirs out meanwhile.
func (d *Dir) makeDirs(j *journal, p *Picture, name string) error {
	dirs := []string{path.Dir(name)}
	if !d.opt.NoLatest {
		dirs = append(dirs, path.Dir(d.opt.Latest.Path(p)))
	}

	d.mu.Lock()
	defer d.mu.Unlock()
	for _, dir := range dirs {
		if missing := d.missingDirs(dir); len(missing) > 0 {
			if err := j.appendLine(pathLine("d", missing...)); err != nil {
				return atomicfile.WriteError(d.filePath(name), err)
			}
			for _, m := range missing {
				d.made[m] = struct{}{}
			}
		}
		if err := os.MkdirAll(d.filePath(dir), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// missingDirs returns those of dir and its parents that do not exist and are not yet
// in d.made. The caller holds d.mu.
func (d *tree) missingDirs(dir string) (found []string) {
	for ; dir != "."; dir = path.Dir(dir) {
		if _, err := os.Lstat(d.filePath(dir)); !errors.Is(err, fs.ErrNotExist) {
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

// writeNamed writes the file called name. Each file is in the journal before it exists;
// after a failure the journal is rolled back.
func (d *Dir) writeNamed(j *journal, p *Picture, name string) (err error) {
	before := j.ledger
	defer func() {
		if err != nil {
			j.rollBack(before)
			err = atomicfile.WriteError(d.filePath(name), err)
		}
	}()

	temps := []string{tempName(name)}
	if !d.opt.NoLatest {
		temps = append(temps, tempName(d.opt.Latest.Path(p)))
	}
	if err := j.appendLine(pathLine("t", temps...)); err != nil {
		return err
	}
	f, err := writeTemp(d.filePath(name), d.filePath(temps[0]), p.Data)
	if err != nil {
		return err
	}
	defer f.Discard()

	info, err := f.Stat()
	if err != nil {
		return err
	}
	written := entry{p.Time.UnixMilli(), info.ModTime().UnixMilli(), info.Size(), name}
	if err := j.appendLine(written.String()); err != nil {
		return err
	}
	return f.Commit()
}

// writeTemp returns a file with data, for the caller to commit or discard.
func writeTemp(file, temp string, data []byte) (*atomicfile.File, error) {
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

func tempName(name string) string {
	return path.Join(path.Dir(name), "."+path.Base(name)+tempSuffix)
}

// replaceLatest makes the newest picture's copy a link to the picture called name, or
// a copy on file systems without links.
func (d *Dir) replaceLatest(p *Picture, name string) error {
	latest := d.opt.Latest.Path(p)
	file, temp := d.filePath(latest), d.filePath(tempName(latest))
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return atomicfile.WriteError(file, err)
	}
	if err := os.Link(d.filePath(name), temp); err == nil {
		if err := os.Rename(temp, file); err != nil {
			os.Remove(temp)
			return atomicfile.WriteError(file, err)
		}
		return nil
	}

	f, err := writeTemp(file, temp, p.Data)
	if err == nil {
		err = f.Commit()
	}
	if err != nil {
		return atomicfile.WriteError(file, err)
	}
	return nil
}
