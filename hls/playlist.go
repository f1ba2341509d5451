// Package hls reads HLS playlists and chooses what to fetch for one picture. Import it
// to read playlists in a program of your own; to take a picture of an HLS stream, call
// kfgrab.Grab instead.
//
// [Parse] reads a playlist. [Master.Pick] chooses the rendition, and [Media.PickSegment],
// [Media.Newest], [Media.At] and [Media.First] the segment. [IsPlaylist] detects a
// playlist by its content.
//
// This package does no I/O: it fetches, waits for and decrypts nothing.
package hls

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Playlist is the result of [Parse]: a master playlist or a media playlist. Exactly
// one of Master and Media is set.
type Playlist struct {
	URL    *url.URL // the base that was given to Parse
	Master *Master
	Media  *Media
}

// Parse reads a master or a media playlist (RFC 8216, and of
// draft-pantos-hls-rfc8216bis the low-latency tags, EXT-X-DEFINE and EXT-X-GAP).
//
// base is the address that data came from, after redirects. Relative URIs and
// EXT-X-DEFINE:QUERYPARAM refer to it. If it is nil, only absolute URIs resolve.
// parent is the master playlist through which a media playlist was found, whose
// variables EXT-X-DEFINE:IMPORT reads; nil if there was none.
//
// If data is not a playlist, the error wraps [keyframe.ErrCorrupt] and names what
// data looks like. Parse accepts a playlist without variants or segments; then
// [Master.Pick] and [Media.Newest] return an error.
func Parse(data []byte, base *url.URL, parent *Master) (*Playlist, error) {
	return parsePlaylist(data, base, parent, nil)
}

// parsePlaylist is Parse with the media playlist kept from before, whose segments
// replace those that a delta update skips.
func parsePlaylist(data []byte, base *url.URL, parent *Master, kept *Media) (*Playlist, error) {
	if err := checkLimits(data); err != nil {
		return nil, fmt.Errorf("HLS playlist: %w", err)
	}
	body, ok := playlistBody(data)
	if !ok {
		return nil, fmt.Errorf("not an HLS playlist: %s: %w", Lookalike(data), keyframe.ErrCorrupt)
	}

	vars := newVariables(base, parent)
	text, err := scanLines(body, vars)
	if err != nil {
		return nil, fmt.Errorf("HLS playlist: %w", err)
	}

	p := &Playlist{URL: base}
	if text.master {
		p.Master, err = decodeMaster(text, base)
	} else {
		p.Media, err = decodeMedia(text, base, kept)
	}
	if err != nil {
		return nil, fmt.Errorf("HLS playlist: %w", err)
	}
	if p.Master != nil {
		p.Master.Variables = vars.defined
	}

	return p, nil
}

// decodeMaster puts together a master playlist.
func decodeMaster(text *scanned, base *url.URL) (*Master, error) {
	uris, err := text.variantURIs()
	if err != nil {
		return nil, err
	}

	m := &Master{}
	for _, t := range text.tags {
		uri := ""
		if t.name == tagStreamInf {
			uri = uris[t.before]
		}
		m.readTag(t, uri, base)
	}
	return m, nil
}

// decodeMedia puts together a media playlist: each segment after the tags before
// it.
func decodeMedia(text *scanned, base *url.URL, kept *Media) (*Media, error) {
	listed, err := text.segments()
	if err != nil {
		return nil, err
	}

	b := mediaBuilder{base: base, update: update{kept: kept}, expected: len(listed), media: &Media{}}
	for _, t := range text.tags {
		if t.name == tagMediaSequence { // it may come late, and segments are counted from it
			b.media.MediaSequence, err = readSequence(t.value, b.media.MediaSequence)
			if err != nil {
				return nil, err
			}
		}
	}

	for _, t := range text.tags {
		for _, s := range listed[b.countListed():t.before] {
			if err := b.addSegment(s.URI, s.Duration); err != nil {
				return nil, err
			}
		}
		if err := b.readTag(t); err != nil {
			return nil, err
		}
	}
	for _, s := range listed[b.countListed():] {
		if err := b.addSegment(s.URI, s.Duration); err != nil {
			return nil, err
		}
	}
	return b.finishMedia()
}

// readSequence reads the digits that a media sequence number begins with. If there
// are none, it returns the number from before.
func readSequence(value string, before int64) (int64, error) {
	value = strings.TrimSpace(value)
	digits := value[:len(value)-len(strings.TrimLeft(value, "0123456789"))]
	n, err := strconv.ParseUint(digits, 10, 64)
	switch {
	case err != nil:
		return before, nil
	case n > maxSequence:
		return 0, fmt.Errorf("%w: media sequence number out of range", keyframe.ErrCorrupt)
	}
	return int64(n), nil
}

// maxDate leaves blanks and digits to spare: "2006-01-02T15:04:05.999999999Z07:00"
// is 35 bytes.
const maxDate = 64

// parseDateTime reads the date of EXT-X-PROGRAM-DATE-TIME (ISO/IEC 8601:2004),
// whose offset servers write as Z, +02:00, +0200 and +02. An unreadable date is the
// zero time: a still picture does not need a clock.
func parseDateTime(value string) time.Time {
	value = strings.TrimSpace(value)
	if value == "" || len(value) > maxDate {
		return time.Time{}
	}

	layout := "2006-01-02T15:04:05Z07:00"
	switch len(value) - strings.LastIndexAny(value, "+-Z") {
	case len("+0200"):
		layout = "2006-01-02T15:04:05Z0700"
	case len("+02"):
		layout = "2006-01-02T15:04:05Z07"
	}

	t, err := time.Parse(layout, value)
	if err != nil {
		return time.Time{}
	}
	return t
}
