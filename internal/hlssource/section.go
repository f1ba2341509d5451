package hlssource

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/sourcekind"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

// maxSection bounds an initialisation section: it has sample descriptions and no
// samples, some kilobytes.
const maxSection = 1 << 20

// section is a media initialisation section (RFC 8216 3, EXT-X-MAP).
type section struct {
	url    string // unredacted
	part   hls.ByteRange
	movie  *fmp4.Init // of fMP4, else nil
	tables []byte     // of a transport stream: PAT and PMT (RFC 8216 3.2)
}

// prepend puts the tables of a transport stream in front of its packets.
func (s *section) prepend(r io.Reader) io.Reader {
	if len(s.tables) == 0 {
		return r
	}
	return io.MultiReader(bytes.NewReader(s.tables), r)
}

// sectionOf returns the section of seg, and fetches it unless the last segment had
// the same one. The section is empty if seg stands alone.
func (o *opener) sectionOf(ctx context.Context, seg *hls.Segment) (*section, error) {
	m := seg.Map
	if m == nil {
		return &section{}, nil
	}
	u, err := m.URI.Resolve()
	if err != nil {
		return nil, err
	}

	want := section{url: u.String()}
	if m.ByteRange != nil {
		want.part = *m.ByteRange
	}
	if o.section == nil || o.section.url != want.url || o.section.part != want.part {
		if err := o.loadSection(ctx, u, m.Keys, &want); err != nil {
			return nil, fmt.Errorf("initialisation section: %w", err)
		}
		o.section = &want
	}
	return o.section, o.reportCodec()
}

// loadSection fetches and reads a section.
func (o *opener) loadSection(ctx context.Context, u *url.URL, keys []hls.Key, want *section) error {
	load := func() ([]byte, error) { return o.fetchPart(ctx, u, want.part, maxSection) }
	if want.part.Length == 0 && len(keys) == 0 {
		load = func() ([]byte, error) { return o.fetchToMovie(ctx, u) }
	}
	data, err := load()
	if err != nil {
		return err
	}
	if data, err = o.decryptSection(ctx, data, keys); err != nil {
		return err
	}

	if ts.Sniff(data, true) {
		want.tables = data
		return nil
	}
	want.movie, err = fmp4.ParseInit(data)
	return err
}

// reportCodec fails if the section of fMP4 describes no video that is read.
func (o *opener) reportCodec() error {
	movie := o.section.movie
	if movie == nil {
		return nil
	}
	if err := o.checkKind(sourcekind.LiveMP4 | sourcekind.RecordedMP4); err != nil {
		return err
	}
	o.tracks = movie.List()
	video, err := movie.Video()
	if err == nil && o.opts.OnCodec != nil {
		o.opts.OnCodec(video.Codec)
	}
	return explainTracks(err, o.tracks)
}

// sectionRange is more than the sections of video and audio take without thumbnails
// or rights management, 700 to 1,500 bytes.
const sectionRange = 4 << 10

// fetchToMovie reads the file at u up to the end of its moov box: some packagers put
// the media of the first segment after it. A file of another format is read whole.
func (o *opener) fetchToMovie(ctx context.Context, u *url.URL) ([]byte, error) {
	r := o.client.Open(ctx, u, fetch.Range{First: sectionRange})
	defer r.Close()
	head, err := r.Peek(sniffSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	tooLarge := fmt.Errorf("%w: more than %d bytes", fetch.ErrTooLarge, maxSection)
	if !fmp4.Sniff(head) && r.Size() > maxSection {
		return nil, tooLarge
	}

	bounded := &io.LimitedReader{R: r, N: maxSection + 1}
	var data []byte
	if fmp4.Sniff(head) {
		data, err = readToMovie(bounded)
	} else {
		data, err = io.ReadAll(bounded)
	}
	if err == nil && bounded.N == 0 {
		return nil, tooLarge
	}
	return data, err
}

// readToMovie reads boxes (ISO/IEC 14496-12 4.2) up to the end of moov, or to what
// cannot come before it. If r ends earlier, that is all.
func readToMovie(r io.Reader) ([]byte, error) {
	var data bytes.Buffer
	for {
		at := data.Len()
		if _, err := io.CopyN(&data, r, 8); err != nil {
			return data.Bytes(), withoutEnd(err)
		}
		size, kind := int64(binary.BigEndian.Uint32(data.Bytes()[at:])), string(data.Bytes()[at+4:])
		if kind == "moof" || kind == "mdat" {
			return data.Bytes()[:at], nil
		}
		if size < 8 { // of 64 bits, or to the end of the file
			_, err := data.ReadFrom(r)
			return data.Bytes(), err
		}
		if _, err := io.CopyN(&data, r, size-8); err != nil || kind == "moov" {
			return data.Bytes(), withoutEnd(err)
		}
	}
}

func withoutEnd(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// fetchPart reads a document of its own or a part of one, of limit bytes at most.
func (o *opener) fetchPart(ctx context.Context, u *url.URL, part hls.ByteRange, limit int64) ([]byte, error) {
	switch {
	case part.Length == 0:
		doc, err := o.client.Get(ctx, u, limit)
		if err != nil {
			return nil, err
		}
		return doc.Body, nil
	case part.Length > limit:
		return nil, fmt.Errorf("%w: %d bytes; at most %d are read", keyframe.ErrUnsupported, part.Length, limit)
	}
	r := o.client.Open(ctx, u, fetch.Range{Offset: part.Offset, Length: part.Length, First: part.Length})
	defer r.Close()
	return io.ReadAll(r)
}
