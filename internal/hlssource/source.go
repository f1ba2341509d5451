// Package hlssource takes keyframes out of HLS streams. It is internal to kfgrab:
// programs call kfgrab.Open, and package hls reads playlists without any I/O.
//
// [New] returns a [Source]. [Source.Keyframe] takes one keyframe, again and again;
// [Source.Keyframes] goes on to those that follow; [Source.Receive] reads every
// picture of a live stream; [Source.Timeline] finds keyframes by their times.
//
// Keyframe takes four steps. Fail-over (failover.go) tries one variant after the
// other. Choice (choice.go) finds the media playlist to read: the variant's own, or
// one of I-frames or images. Segment (segment.go) finds the segment in it. Keyframe
// (read.go) reads that segment. One table (retry.go) defines what is tried after which
// error.
//
// Segments under METHOD=AES-128, SAMPLE-AES and SAMPLE-AES-CTR are decrypted with
// keys that a URI leads to (KEYFORMAT identity). There is no rights management, and
// nothing is kept on disk.
package hlssource

import (
	"context"
	"log/slog"
	"net/url"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/sourcekind"
	"github.com/kfgrab/kfgrab/keyframe"
)

// Options are the settings of a Source. With the zero value, a Source takes the
// newest keyframe of a live stream and the first of a recording, from the best
// rendition.
type Options struct {
	hls.PickOptions

	// Edge selects the keyframe of a live stream. EdgeLast of a recording is its last.
	Edge hls.Edge

	// At asks for the last keyframe at or before this time from the beginning of the
	// playlist, or before its end if it is negative; 0 asks for none. Times that the
	// playlist does not list are a *sourcekind.Error.
	At time.Duration

	// AtClock asks for the last keyframe at or before a time of day. If both are set, it
	// decides in a live playlist with times of day, and At elsewhere.
	AtClock time.Time

	// CheckKind, if set, is called when it is known whether the stream is live, and
	// again when the format of its segments is. Its error ends the grab.
	CheckKind func(sourcekind.Set) error

	// AllowTiles allows a ready-made JPEG tile (EXT-X-IMAGE-STREAM-INF) instead of a
	// keyframe, if Width or Height asks for a size that it serves and neither
	// Rendition, Codec nor EdgeNext asks for a keyframe. A live stream gives its
	// newest tile, a recording its first, or both the one at the time At. The frame's kind
	// is keyframe.Tile. An image can only be fetched with all of its tiles. If no
	// tile can be fetched, the Source takes a keyframe.
	AllowTiles bool

	// Program is the program of a transport stream; 0 is the first with video.
	Program int

	// IfNewer makes Keyframe return an error that wraps keyframe.ErrNotModified, and
	// fetch no more than the playlist, if the newest keyframe is the one that it
	// returned last.
	IfNewer bool

	// OnCodec, if set, is called when the codec is known, before the keyframe is
	// complete. It is not called for tiles.
	OnCodec func(keyframe.Codec)

	// Playlist, if set, is the document at the URL, which the caller has just
	// fetched. The first grab reads it.
	Playlist *fetch.Document

	Logger *slog.Logger // takes debug lines about decisions; may be nil
}

// Source is an HLS stream. Its fields live as long as the stream: between grabs it
// remembers the rendition, the playlist, the initialisation section, the keys and
// the size of the keyframes, so that the next grab fetches the new lines of the
// playlist and little more than the keyframe. It is for one goroutine at a time.
type Source struct {
	opener
	url   *url.URL
	given *fetch.Document // at url, fetched by the caller; until it is read

	ladder
	memory
	noIFrames bool // the I-frame playlist turned out to be of no use
	noTiles   bool // the image playlist did
}

// ladder is the master playlist and the choice from it. All fields are nil before the
// choice, and if url is that of a media playlist.
type ladder struct {
	master     *hls.Master
	picked     *hls.Variant   // what Master.Pick chose
	chosen     *hls.Variant   // that, or the alternate that took its place
	alternates []*hls.Variant // in the order in which they are tried
	outer      []*hls.Master  // that lead to master, without the variants that do; mostly none
}

// memory holds facts from reading the playlists of the rendition.
type memory struct {
	sequence int64                    // of the media playlist
	last     *hls.Segment             // that the last keyframe came from
	kept     map[string]*keptPlaylist // by address
	latest   *hls.Media               // the media playlist that was read last
}

// New returns a Source of the master or media playlist at u, fetched through
// client. o may be nil. New does no I/O.
func New(client *fetch.Client, u *url.URL, o *Options) *Source {
	s := &Source{url: u}
	s.client = client
	if o != nil {
		s.opts, s.given = *o, o.Playlist
		s.opts.Playlist = nil
	}
	return s
}

// forgetRendition drops what was learnt from reading the rendition.
func (s *Source) forgetRendition() {
	s.memory, s.knowledge = memory{}, knowledge{}
}

// forgetLadder makes the next grab begin with the master playlist.
func (s *Source) forgetLadder() {
	s.ladder, s.variant = ladder{}, nil
	s.forgetRendition()
}

// Keyframe returns the keyframe that Options.Edge asks for of a live stream, and of
// a recording the first one or the one that Options.At asks for. If the segment
// that should hold it is missing, damaged or without a keyframe, Keyframe tries the
// one next to it, once. If the rendition cannot be fetched, it tries the choice's
// alternates. The error wraps keyframe.ErrNotFound, ErrCorrupt or ErrUnsupported, or
// is one of package fetch.
func (s *Source) Keyframe(ctx context.Context) (*keyframe.Frame, error) {
	g := s.newGrab(s.opts)
	defer g.end()

	return failOver(ctx, g, g.findInVariant)
}

// Chosen returns the variant that the last grab was from, nil if there is no master
// playlist or was no grab.
func (s *Source) Chosen() *hls.Variant { return s.chosen }

// Tracks lists the elementary streams that the last Keyframe came across.
func (s *Source) Tracks() []keyframe.Track { return s.tracks }

// SegmentSize returns the size in bytes of the whole segment that the last Keyframe
// came from. It is 0 if the server does not report it, and for partial segments,
// I-frames and tiles.
func (s *Source) SegmentSize() int64 { return s.size }

// Close does nothing: the connections belong to the client.
func (s *Source) Close() error { return nil }
