package sink

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
)

const (
	tarBlock = 512
	// tarRecord is how much GNU tar reads from "-" before it looks at any of it.
	tarRecord = 20 * tarBlock
)

// Tar writes pictures into a tar stream. Each is an entry with its time, to the
// nanosecond (PAX). The stream has no copy of the newest picture.
//
// A comment in the header pads each entry to the end of a record of 10240 bytes, so that
// tar -x writes a picture to the disk as soon as it is put.
type Tar struct {
	template Template

	mu    sync.Mutex
	out   io.Writer
	entry bytes.Buffer
	tar   *tar.Writer // to entry
	err   error       // of the first write that failed, after which the stream is broken
	names recent
}

// NewTar returns a Tar that writes to w, with paths from t. A reader that stops reading
// blocks Put, because a write to a pipe cannot be cancelled.
func NewTar(w io.Writer, t Template) *Tar {
	s := &Tar{template: t, out: w}
	s.tar = tar.NewWriter(&s.entry)
	return s
}

// Put writes p and returns its path in the archive. Each call writes once to the
// underlying writer. After the first failure all calls fail.
func (s *Tar) Put(ctx context.Context, p *Picture) (name string, err error) {
	if p.Stream == "" {
		return "", errNoStream
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return "", s.err
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	}

	name = s.names.distinctPath(s.template.Path(p))
	if err := s.buildEntry(p, name); err != nil {
		return "", err
	}
	if _, err := s.out.Write(s.entry.Bytes()); err != nil {
		s.err = fmt.Errorf("tar stream: %w", err)
		return "", s.err
	}
	return name, nil
}

// buildEntry writes the entry into s.entry.
func (s *Tar) buildEntry(p *Picture, name string) error {
	h := &tar.Header{
		Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(p.Data)), ModTime: p.Time, Format: tar.FormatPAX,
	}
	if err := padHeader(h); err != nil {
		return err
	}

	s.entry.Reset()
	if err := s.tar.WriteHeader(h); err != nil {
		return err
	}
	if _, err := s.tar.Write(p.Data); err != nil {
		return err
	}
	return s.tar.Flush()
}

// padHeader adds a comment (IEEE Std 1003.1, pax) to h so that the entry fills its
// records.
func padHeader(h *tar.Header) error {
	const most = 4 // digits that the length of a longer comment can gain
	comment := func(n int) (size int, err error) {
		h.PAXRecords = map[string]string{"comment": strings.Repeat("-", n)}
		return headerSize(h)
	}

	least, err := comment(most)
	if err != nil {
		return err
	}
	entry := least + int(h.Size+tarBlock-1)/tarBlock*tarBlock
	missing := (tarRecord - entry%tarRecord) % tarRecord
	for n := most + missing; n >= missing; n-- {
		if size, err := comment(n); err != nil || size == least+missing {
			return err
		}
	}
	return errors.New("tar: the entry does not fill its records")
}

func headerSize(h *tar.Header) (int, error) {
	var b bytes.Buffer
	err := tar.NewWriter(&b).WriteHeader(h)
	return b.Len(), err
}

// Close ends the archive and leaves the writer open.
func (s *Tar) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil // Put returned it
	}
	s.err = fs.ErrClosed
	if _, err := s.out.Write(make([]byte, tarRecord)); err != nil {
		return fmt.Errorf("tar stream: %w", err)
	}
	return nil
}
