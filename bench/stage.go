package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/internal/atomicfile"
)

// stage is what an origin serves for one case at one moment, with the least that the
// newest picture costs.
type stage struct {
	files         map[string]string // contents by path below the root
	master, media string            // the playlists' paths below the root

	cold  []Body // for a new client
	again []Body // for a client that had the stage before
	small []Body // for a picture 320 pixels wide

	reference      []piece // a stream whose first picture is the right one
	smallReference []piece // the same for the smallest rendition
}

// piece is a part of a media file. If to is 0 it extends to the end.
type piece struct {
	file     string
	from, to int64
}

// joinPieces concatenates the pieces.
func joinPieces(pieces []piece) ([]byte, error) {
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

// writeFiles writes the stage's files below root, each atomically. nginx makes its entity
// tags from time and size, so two stages within one second need different times.
func (s *stage) writeFiles(root string, modified time.Time) error {
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

// entry is one segment of a media playlist.
type entry struct {
	before   []string // tags before EXTINF
	duration time.Duration
	after    []string // such as EXT-X-BYTERANGE
	uri      string
}

// playlist is a live media playlist.
type playlist struct {
	version int
	target  time.Duration
	first   int // the media sequence number
	header  []string
	entries []entry
	trailer []string // parts without a segment yet
}

func (p *playlist) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:%d\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:%d\n", p.version, wholeSeconds(p.target), p.first)
	lines := func(tags []string) {
		for _, t := range tags {
			b.WriteString(t + "\n")
		}
	}

	lines(p.header)
	for _, e := range p.entries {
		lines(e.before)
		fmt.Fprintf(&b, "#EXTINF:%.3f,\n", e.duration.Seconds())
		lines(e.after)
		b.WriteString(e.uri + "\n")
	}
	lines(p.trailer)
	return b.String()
}

// masterPlaylist returns a master playlist with a media playlist NAME.m3u8 for each
// rendition.
func masterPlaylist(renditions []Rendition, codecs string, extra ...string) string {
	var b strings.Builder
	b.WriteString("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n")
	for _, r := range renditions {
		fmt.Fprintf(&b, "#EXT-X-STREAM-INF:BANDWIDTH=%d,RESOLUTION=%dx%d,FRAME-RATE=%d.000,CODECS=%q\n%s.m3u8\n",
			r.Bandwidth, r.Width, r.Height, frameRate, codecs, r.Name)
	}
	for _, line := range extra {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// byteRange returns the value of EXT-X-BYTERANGE.
func byteRange(start, end int64) string { return fmt.Sprintf("%d@%d", end-start, start) }
