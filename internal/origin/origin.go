// Package origin serves live streams on loopback: an HLS ladder in MPEG-TS and in fMP4, and two
// RTSP streams. It is internal to kfgrab, for kfgrab demo and for tests. ffmpeg encodes the streams
// once; the server loops them forever.
//
// Call [Start], read the URLs from the [Origin], then Close it. ffmpeg encodes a few seconds of a
// test pattern into a cache directory. After that, no ffmpeg runs. [Options] choose the ladder: the
// zero value is that of a broadcaster ([Full]), [Small] is for tests.
//
// The package has no TLS, authentication, compression, low latency, encryption,
// I-frame playlists or RTSP over UDP.
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

// Options are for [Start]. The zero value, and nil, serve [Full].
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

// Start serves the streams on free ports of 127.0.0.1 until Close. It encodes them first if they
// are not in the cache, which takes about ten seconds for [Full]. The window of listed segments is
// full from the beginning. ctx bounds only the encoding. Without ffmpeg, the error says what to
// install and wraps exec.ErrNotFound.
func Start(ctx context.Context, o *Options) (*Origin, error) {
	if o == nil {
		o = &Options{}
	}
	profile := o.Profile
	if len(profile.Renditions) == 0 {
		profile = Full()
	}
	c, err := prepareContent(ctx, profile, o)
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

// Media returns the URL of the media playlist of a rendition. It is counted from 0, the best.
func (o *Origin) Media(k Kind, rendition int) string {
	return o.web.base + mediaPath(k, o.content.profile.Renditions[rendition].Name)
}

// Newest returns the URL of the segment that the best rendition lists last.
func (o *Origin) Newest(k Kind) string {
	n := o.web.line.newestSegment(o.web.now())
	return o.web.base + segmentPath(k, o.content.profile.Renditions[0].Name, n)
}

// SegmentSize returns the size in bytes of the segment at a URL or path, even if it is not listed
// now. It returns 0 if there is no segment.
func (o *Origin) SegmentSize(url string) int64 {
	return o.content.segmentSize(strings.TrimPrefix(url, o.web.base))
}

// RTSP returns the URL of the stream of a codec. No GOP is cached: a viewer starts where the stream
// is.
func (o *Origin) RTSP(c keyframe.Codec) string { return o.rtsp.streamURL(c) }

// Requests returns the last 4096 HTTP requests in order of arrival. Bytes that a client has read
// are already counted.
func (o *Origin) Requests() []Request { return o.web.log.copyRequests() }

// Close closes all connections and returns when all goroutines have ended.
func (o *Origin) Close() {
	o.web.close()
	o.rtsp.close()
}
