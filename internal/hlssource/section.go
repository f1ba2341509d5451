package hlssource

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

// maxSection bounds an initialisation section: sample descriptions and no samples,
// some kilobytes.
const maxSection = 1 << 20

// section is a media initialisation section (RFC 8216 3, EXT-X-MAP).
type section struct {
	url    string // with what may be secret
	part   hls.ByteRange
	movie  *fmp4.Init // of fMP4, else nil
	tables []byte     // of a transport stream: PAT and PMT (RFC 8216 3.2)
}

// ahead puts the tables of a transport stream in front of its packets.
func (s *section) ahead(r io.Reader) io.Reader {
	if len(s.tables) == 0 {
		return r
	}
	return io.MultiReader(bytes.NewReader(s.tables), r)
}

// sectionOf returns what is to be known before seg, which is fetched unless it is
// what the last segment had. It is empty where seg stands alone.
func (s *Source) sectionOf(ctx context.Context, seg *hls.Segment) (*section, error) {
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
	if s.section == nil || s.section.url != want.url || s.section.part != want.part {
		if err := s.load(ctx, u, m.Keys, &want); err != nil {
			return nil, fmt.Errorf("initialisation section: %w", err)
		}
		s.section = &want
	}
	return s.section, s.tellCodec()
}

// load fetches and reads a section.
func (s *Source) load(ctx context.Context, u *url.URL, keys []hls.Key, want *section) error {
	data, err := s.fetchPart(ctx, u, want.part, maxSection)
	if err != nil {
		return err
	}
	if data, err = s.unseal(ctx, data, keys); err != nil {
		return err
	}
	switch {
	case ts.Sniff(data, true):
		want.tables = data
		return nil
	}
	want.movie, err = fmp4.ParseInit(data)
	return err
}

// tellCodec fails where the section of fMP4 describes no video that is read.
func (s *Source) tellCodec() error {
	movie := s.section.movie
	if movie == nil {
		return nil
	}
	s.tracks = movie.List()
	video, err := movie.Video()
	if err == nil && s.opts.OnCodec != nil {
		s.opts.OnCodec(video.Codec)
	}
	return err
}

// fetchPart reads what is a document of its own or a part of one, of limit bytes at
// most.
func (s *Source) fetchPart(ctx context.Context, u *url.URL, part hls.ByteRange, limit int64) ([]byte, error) {
	switch {
	case part.Length == 0:
		doc, err := s.client.Get(ctx, u, limit)
		if err != nil {
			return nil, err
		}
		return doc.Body, nil
	case part.Length > limit:
		return nil, fmt.Errorf("%w: of %d bytes", keyframe.ErrUnsupported, part.Length)
	}
	r := s.client.Open(ctx, u, fetch.Range{Offset: part.Offset, Length: part.Length, First: part.Length})
	defer r.Close()
	return io.ReadAll(r)
}
