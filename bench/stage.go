package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/kfgrab/kfgrab/internal/atomicfile"
)

// stage is what an origin serves for one case at one moment, and what the newest
// picture of it costs at the least.
type stage struct {
	files         map[string]string // texts, by path below the root
	master, media string            // the playlists' paths below the root

	cold  []Body // for one who comes anew
	again []Body // for one who was there at the stage before
	small []Body // for one who wants 320 pixels

	reference      []piece // a stream whose first picture is the one wanted
	smallReference []piece // the same of the smallest rendition
}

// piece is a part of a media file; to is 0 for its end.
type piece struct {
	file     string
	from, to int64
}

// join puts the pieces together.
func join(pieces []piece) ([]byte, error) {
	var out []byte
	for _, p := range pieces {
		b, err := os.ReadFile(p.file)
		if err != nil {
			return nil, err
		}
		if p.to == 0 {
			p.to = int64(len(b))
		}
		if p.from > p.to || p.to > int64(len(b)) {
			return nil, fmt.Errorf("%s has no bytes %d to %d", p.file, p.from, p.to)
		}
		out = append(out, b[p.from:p.to]...)
	}
	return out, nil
}

// publish puts the stage's files below root, each at once. nginx makes its entity
// tags of time and size: two stages within one second need two times.
func (s *stage) publish(root string, modified time.Time) error {
	for path, text := range s.files {
		name := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		f, err := atomicfile.Create(name)
		if err != nil {
			return err
		}
		if _, err := f.WriteString(text); err != nil {
			f.Discard()
			return err
		}
		if err := f.Commit(); err != nil {
			return err
		}
		if err := os.Chtimes(name, modified, modified); err != nil {
			return err
		}
	}
	return nil
}
