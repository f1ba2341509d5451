// Package sourcekind knows which options each kind of source honours, and why it cannot
// honour the others. It is internal to kfgrab, and pure data: the library, the command
// and configurations decide by the same table.
package sourcekind

import "strings"

// Set is a set of kinds: one if the kind of a source is known, several before that.
type Set uint32

// The kinds: how the data come, and what they are.
const (
	LiveTS      Set = 1 << iota // live HLS, its segments in MPEG-TS
	LiveMP4                     // live HLS, its segments in fMP4
	RecordedTS                  // an HLS recording in MPEG-TS
	RecordedMP4                 // an HLS recording in fMP4
	WebTS                       // an MPEG-TS file over HTTP
	WebMP4                      // an MP4 file over HTTP
	WebRaw                      // an H.264 or H.265 byte stream over HTTP
	LocalTS
	LocalMP4
	LocalRaw
	PipeTS // standard input, a named pipe or a device
	PipeMP4
	PipeRaw
	Datagrams
	PlainRTSP
	Tunnel // RTSP through HTTP or WebSocket
)

// Sets of kinds.
const (
	LiveHLS     = LiveTS | LiveMP4
	RecordedHLS = RecordedTS | RecordedMP4
	HLS         = LiveHLS | RecordedHLS
	WebFile     = WebTS | WebMP4 | WebRaw
	Web         = HLS | WebFile
	Local       = LocalTS | LocalMP4 | LocalRaw
	Pipe        = PipeTS | PipeMP4 | PipeRaw
	RTSP        = PlainRTSP | Tunnel

	TS  = LiveTS | RecordedTS | WebTS | LocalTS | PipeTS | Datagrams
	MP4 = LiveMP4 | RecordedMP4 | WebMP4 | LocalMP4 | PipeMP4
	Raw = WebRaw | LocalRaw | PipeRaw
	All = Web | Local | Pipe | Datagrams | RTSP
)

// OfURL returns the kinds that the source at rawURL may be, as far as the URL shows. It
// is empty for schemes that kfgrab does not read.
func OfURL(rawURL string) Set {
	scheme, _, found := strings.Cut(rawURL, "://")
	switch scheme = strings.ToLower(scheme); {
	case rawURL == "-":
		return Pipe
	case !found, scheme == "file":
		return Local | Pipe
	case scheme == "http", scheme == "https":
		return Web
	case scheme == "udp":
		return Datagrams
	case scheme == "rtsp", scheme == "rtsps":
		return PlainRTSP
	case strings.HasPrefix(scheme, "rtsp+"), strings.HasPrefix(scheme, "rtsps+"):
		return Tunnel
	}
	return 0
}
