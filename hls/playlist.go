// Package hls finds the keyframe of an HLS stream.
//
// [Parse] reads a playlist into our own types; [Master.Pick] chooses the
// rendition, and [Media.Newest], [Media.At] and [Media.First] the segment,
// before any media is fetched. These four do no I/O. [IsPlaylist] tells a
// playlist from other content.
//
// A [Source] is grabbed from again and again: it keeps the media playlist, and asks
// for what is new in it. It does not wait for segments but with [EdgeNext] and in
// [Source.Keyframes], which goes on to the keyframes that follow, and keeps nothing on
// disk.
//
// With Options.AllowTiles a ready-made JPEG (EXT-X-IMAGE-STREAM-INF), or a tile of one,
// serves in place of a keyframe. [Source.Follow] reads a live stream on, segment by
// segment, for who wants more than keyframes.
//
// Segments under METHOD=AES-128, SAMPLE-AES and SAMPLE-AES-CTR are decrypted with
// keys that a URI leads to (KEYFORMAT identity). There is no rights management.
package hls

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/grafov/m3u8"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Playlist is what [Parse] read: a master playlist or a media playlist. Exactly
// one of Master and Media is set.
type Playlist struct {
	URL    *url.URL // the base that was given to Parse
	Master *Master
	Media  *Media
}

// Parse reads a master or a media playlist (RFC 8216, and of
// draft-pantos-hls-rfc8216bis the low-latency tags, EXT-X-DEFINE and EXT-X-GAP).
//
// base is the address that data came from, after redirects; relative URIs and
// EXT-X-DEFINE:QUERYPARAM are taken from it. It may be nil, and then only
// absolute URIs resolve. parent is the master playlist through which a media
// playlist was found, whose variables EXT-X-DEFINE:IMPORT takes; nil if there
// was none.
//
// What stands in no playlist is an error that wraps [keyframe.ErrCorrupt] and
// says what data looks like. A playlist without variants or segments is no
// error here: [Master.Pick] and [Media.Newest] say so.
func Parse(data []byte, base *url.URL, parent *Master) (*Playlist, error) {
	return parse(data, base, parent, nil)
}

// parse is Parse with the media playlist kept from before, whose segments stand
// in for those that a delta update skips.
func parse(data []byte, base *url.URL, parent *Master, kept *Media) (*Playlist, error) {
	if err := withinLimits(data); err != nil {
		return nil, fmt.Errorf("HLS playlist: %w", err)
	}
	body, ok := playlistBody(data)
	if !ok {
		return nil, fmt.Errorf("not an HLS playlist: %s: %w", Lookalike(data), keyframe.ErrCorrupt)
	}
	vars := newVariables(base, parent)
	text, err := sanitise(body, vars)
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

// decodeMaster has the library pair variants with URIs, and the log tell what
// they are.
func decodeMaster(text *sanitised, base *url.URL) (*Master, error) {
	list := m3u8.NewMasterPlaylist()
	if err := list.Decode(*bytes.NewBuffer(text.lines), false); err != nil {
		return nil, fmt.Errorf("%w: %w", keyframe.ErrCorrupt, err)
	}
	m := &Master{}
	for _, t := range text.log {
		uri := ""
		if t.name == tagStreamInf {
			if t.before >= len(list.Variants) {
				return nil, fmt.Errorf("%w: variants and tags do not match", keyframe.ErrCorrupt)
			}
			uri = list.Variants[t.before].URI
		}
		m.tag(t, uri, base)
	}
	return m, nil
}

// decodeMedia has the library pair durations with URIs and read a part of the
// header, and hands the log to its reader.
func decodeMedia(text *sanitised, base *url.URL, kept *Media) (*Media, error) {
	// The capacity is exact: the library's slice never grows, and never is 0,
	// at which it would divide.
	list, err := m3u8.NewMediaPlaylist(0, uint(max(text.uris, 1)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", keyframe.ErrCorrupt, err)
	}
	if err := list.Decode(*bytes.NewBuffer(text.lines), false); err != nil {
		return nil, fmt.Errorf("%w: %w", keyframe.ErrCorrupt, err)
	}
	if list.SeqNo > maxSequence || list.DiscontinuitySeq > maxSequence {
		return nil, fmt.Errorf("%w: media sequence number out of range", keyframe.ErrCorrupt)
	}
	b := mediaBuilder{base: base, kept: kept, expected: int(list.Count()), media: &Media{
		MediaSequence:         int64(list.SeqNo),
		DiscontinuitySequence: int64(list.DiscontinuitySeq),
		Live:                  !list.Closed && list.MediaType != m3u8.VOD,
		IFramesOnly:           list.Iframe,
	}}
	listed := list.Segments[:list.Count()]
	for _, t := range text.log {
		for b.listed() < t.before {
			s := listed[b.listed()]
			if err := b.segment(s.URI, s.Duration); err != nil {
				return nil, err
			}
		}
		if err := b.tag(t); err != nil {
			return nil, err
		}
	}
	for _, s := range listed[b.listed():] {
		if err := b.segment(s.URI, s.Duration); err != nil {
			return nil, err
		}
	}
	return b.finish()
}

// maxDate leaves blanks and digits to spare: "2006-01-02T15:04:05.999999999Z07:00"
// is 35 bytes.
const maxDate = 64

// dateTime reads the date of EXT-X-PROGRAM-DATE-TIME (ISO/IEC 8601:2004), whose
// offset servers write as Z, +02:00, +0200 and +02. One that cannot be read is the
// zero time: a still does not fail for want of a clock.
func dateTime(value string) time.Time {
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
