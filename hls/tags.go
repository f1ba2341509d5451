package hls

// Tags that more than one place asks for.
const (
	tagHeader          = "#EXTM3U"
	tagInf             = "#EXTINF"
	tagPart            = "#EXT-X-PART"
	tagKey             = "#EXT-X-KEY"
	tagStreamInf       = "#EXT-X-STREAM-INF"
	tagIFrameStreamInf = "#EXT-X-I-FRAME-STREAM-INF"
	tagImageStreamInf  = "#EXT-X-IMAGE-STREAM-INF"
	tagDefine          = "#EXT-X-DEFINE"

	// tagLost is logged where a URI was dropped.
	tagLost = ""
)

// tag is one line of a playlist that begins with #EXT, in the order of the
// playlist.
type tag struct {
	name   string // "#EXT-X-KEY"
	value  string // what follows the colon
	before int    // URIs before the tag
}

// reader is who reads a line of a playlist.
type reader uint8

const (
	nobody          reader = iota
	libraryWithURI         // with the URI that follows
	libraryOnce            // a tag of the header
	sanitiserAtOnce        // it changes the lines that follow
	logOnce                // a tag of the header
	logAlways
)

// readers keeps from the library what it would read wrongly (byte ranges without
// offset), partly (keys, maps, target durations), with a panic (EXT-X-KEY,
// EXT-X-MAP, WV-CYPHER-VERSION, WV-VIDEO-RESOLUTION) or in more than linear time
// (EXT-X-MEDIA, attached to each variant).
var readers = map[string]reader{
	tagInf:                          libraryWithURI,
	tagStreamInf:                    libraryWithURI,
	"#EXT-X-MEDIA-SEQUENCE":         libraryOnce,
	"#EXT-X-DISCONTINUITY-SEQUENCE": libraryOnce,
	"#EXT-X-PLAYLIST-TYPE":          libraryOnce,
	"#EXT-X-I-FRAMES-ONLY":          libraryOnce,
	"#EXT-X-ENDLIST":                libraryOnce,
	tagDefine:                       sanitiserAtOnce,
	"#EXT-X-TARGETDURATION":         logOnce,
	"#EXT-X-INDEPENDENT-SEGMENTS":   logOnce,
	"#EXT-X-IMAGES-ONLY":            logOnce,
	"#EXT-X-PART-INF":               logOnce,
	"#EXT-X-SERVER-CONTROL":         logOnce,
	"#EXT-X-START":                  logOnce,
	"#EXT-X-SKIP":                   logOnce,
	"#EXT-X-CONTENT-STEERING":       logOnce,
	tagIFrameStreamInf:              logAlways,
	tagImageStreamInf:               logAlways,
	"#EXT-X-MEDIA":                  logAlways,
	"#EXT-X-BYTERANGE":              logAlways,
	"#EXT-X-DISCONTINUITY":          logAlways,
	"#EXT-X-GAP":                    logAlways,
	"#EXT-X-PROGRAM-DATE-TIME":      logAlways,
	tagKey:                          logAlways,
	"#EXT-X-MAP":                    logAlways,
	tagPart:                         logAlways,
	"#EXT-X-TILES":                  logAlways,
	"#EXT-X-RENDITION-REPORT":       logAlways,
}
