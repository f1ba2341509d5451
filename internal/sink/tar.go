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
	// tarRecord is what GNU tar reads at least of "-" before it looks at any of it.
	tarRecord = 20 * tarBlock
)

// Tar writes pictures into a tar stream, each as an entry with its time, to the
// nanosecond (PAX). There is no newest's copy in it.
//
// Each entry ends where a record of 10240 bytes does, filled by a comment in its
// header, so that tar -x has a picture on the disk as soon as it is put.
type Tar struct {
	template Template

	mu    sync.Mutex
	out   io.Writer
	entry bytes.Buffer
	tar   *tar.Writer // to entry
	err   error       // of the first write that failed: the stream is broken from there
	names recent
}

// NewTar writes to w, whose paths are by t. A reader who does not read holds up Put:
// a write to a pipe cannot be called off.
func NewTar(w io.Writer, t Template) *Tar {
	s := &Tar{template: t, out: w}
	s.tar = tar.NewWriter(&s.entry)
	return s
}

// Put writes p and returns its path in the archive. Each call is one Write of the
// underlying writer, after the first failure of which all fail.
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
	name = s.names.distinct(s.template.Path(p))
	if err := s.make(p, name); err != nil {
		return "", err
	}
	if _, err := s.out.Write(s.entry.Bytes()); err != nil {
		s.err = fmt.Errorf("tar stream: %w", err)
		return "", s.err
	}
	return name, nil
}

// make gathers the entry.
func (s *Tar) make(p *Picture, name string) error {
	h := &tar.Header{
		Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(p.Data)), ModTime: p.Time, Format: tar.FormatPAX,
	}
	if err := pad(h); err != nil {
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

// pad gives h a comment (IEEE Std 1003.1, pax) with which the entry fills its records.
func pad(h *tar.Header) error {
	const most = 4 // digits by which the length of a longer comment can grow
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

// Close ends the archive. The writer stays open.
func (s *Tar) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil // told before
	}
	s.err = fs.ErrClosed
	if _, err := s.out.Write(make([]byte, tarRecord)); err != nil {
		return fmt.Errorf("tar stream: %w", err)
	}
	return nil
}
