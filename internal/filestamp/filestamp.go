// Package filestamp notices that a file has changed. It is for kfgrab, which
// reads configurations and certificates again when they change.
//
// Compare two results of [Of] with ==. Nothing here waits for a change.
package filestamp

import (
	"os"
	"path/filepath"
	"time"
)

// Stamp distinguishes one state of a file from another.
type Stamp struct {
	modified time.Time
	size     int64
	target   string // of the symbolic links
}

// Of returns the stamp of the file at path; the zero Stamp if there is none.
func Of(path string) (s Stamp) {
	s.target, _ = filepath.EvalSymlinks(path)
	if info, err := os.Stat(path); err == nil {
		s.modified, s.size = info.ModTime(), info.Size()
	}
	return s
}
