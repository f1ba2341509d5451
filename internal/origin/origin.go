// Package origin is a live origin server on loopback: an HLS ladder in MPEG-TS
// and in fMP4, and two RTSP streams, made by ffmpeg once and looped for ever.
//
// Call [Start], read the URLs from the [Origin], then Close it. ffmpeg encodes
// a few seconds of a test pattern into a cache directory; from there on Go
// serves them, and no ffmpeg runs. [Options] choose the ladder: the zero value
// is that of a broadcaster ([Full]), [Small] is the one for tests.
//
// Absent: TLS, authentication, compression, low latency, encryption, I-frame
// playlists, RTSP over UDP.
package origin

import (
	"context"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// windowSize is the number of segments that a live media playlist lists.
const windowSize = 6

// Kind is the container of a ladder's segments.
type Kind string

// The ladders that an Origin serves, of the same pictures.
const (
	TS   Kind = "ts"   // MPEG-TS
	FMP4 Kind = "fmp4" // fragmented MP4 with EXT-X-MAP
)

// Options are how an Origin is made. The zero value, and nil, serve [Full].
type Options struct {
	Profile  Profile // what is encoded; the zero value is Full()
	FFmpeg   string  // the encoder; "" is ffmpeg from PATH
	CacheDir string  // where encoded streams are kept; "" is kfgrab-origin in the user's cache directory
}

// Origin is a running server. Its methods are safe for concurrent use.
type Origin struct {
	content content
	web     *webServer
	rtsp    *rtspServer
}

// Start encodes the streams where the cache lacks them, which takes about ten
// seconds for [Full], and serves them on free ports of 127.0.0.1 until Close.
// The window of listed segments is full from the first moment. ctx bounds the
// encoding alone. The error says what to install where ffmpeg is missing, and
// then wraps exec.ErrNotFound.
func Start(ctx context.Context, o *Options) (*Origin, error) {
	if o == nil {
		o = &Options{}
	}
	profile := o.Profile
	if len(profile.Renditions) == 0 {
		profile = Full()
	}
	c, err := prepare(ctx, profile, o)
	if err != nil {
		return nil, err
	}
	rtsp, err := startRTSP(c.streams)
	if err != nil {
		return nil, err
	}
	line := timeline{segment: profile.Segment, loop: profile.Segments, window: windowSize}
	line.start = time.Now().Add(-windowSize * profile.Segment)
	web, err := startWeb(c, line)
	if err != nil {
		rtsp.close()
		return nil, err
	}
	return &Origin{content: c, web: web, rtsp: rtsp}, nil
}

// HLS returns the URL of a ladder's master playlist.
func (o *Origin) HLS(k Kind) string { return o.web.base + masterPath(k) }

// Media returns the URL of the media playlist of one rendition, counted from
// 0, the best, in the profile's order.
func (o *Origin) Media(k Kind, rendition int) string {
	return o.web.base + mediaPath(k, o.content.profile.Renditions[rendition].Name)
}

// Newest returns the URL of the segment that the best rendition lists last.
func (o *Origin) Newest(k Kind) string {
	n := o.web.line.newest(o.web.now())
	return o.web.base + segmentPath(k, o.content.profile.Renditions[0].Name, n)
}

// SegmentSize returns the size in bytes of the whole segment at a URL or path
// of this origin, whether it is listed at the moment or not; 0 where it is not
// a segment's.
func (o *Origin) SegmentSize(url string) int64 {
	return o.content.segmentSize(strings.TrimPrefix(url, o.web.base))
}

// RTSP returns the URL of the stream of a codec, with no GOP cached: a viewer
// begins wherever the stream is.
func (o *Origin) RTSP(c keyframe.Codec) string { return o.rtsp.url(c) }

// Requests returns the HTTP requests in the order of their arrival: the last
// 4096. What a client has read of an answer is already counted.
func (o *Origin) Requests() []Request { return o.web.log.list() }

// Close ends the servers and every connection, and returns when all of their
// goroutines have ended.
func (o *Origin) Close() {
	o.web.close()
	o.rtsp.close()
}
