package rtsp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kfgrab/kfgrab/keyframe"
)

// maxMedia bounds the media descriptions of one SDP. Cameras send two to four;
// recorders with many channels send one SDP for each.
const maxMedia = 64

// sdp is a session description (RFC 8866).
//
// Its reader ignores lines that do not matter here. Of 72 SDPs of cameras and
// servers, gortsplib's own reader refuses nine, for a blank in an origin, an unknown
// media type, or the damaged audio configuration of a stream whose video is sound
// (TestSDPCorpus).
type sdp struct {
	attributes []string // of the session, without "a="
	media      []media
}

// media is one media description.
type media struct {
	kind       string // "video", "audio", …
	proto      string // "RTP/AVP", …
	formats    []string
	attributes []string
}

// parseSDP never fails: text that is no SDP has no media.
func parseSDP(text []byte) *sdp {
	s := &sdp{}
	for line := range strings.FieldsFuncSeq(string(text), func(r rune) bool { return r == '\r' || r == '\n' }) {
		line = strings.TrimSpace(line)
		value, isMedia := strings.CutPrefix(line, "m=")
		if isMedia {
			if len(s.media) == maxMedia {
				break
			}
			s.media = append(s.media, parseMedia(value))
			continue
		}

		value, isAttribute := strings.CutPrefix(line, "a=")
		switch {
		case !isAttribute:
		case len(s.media) == 0:
			s.attributes = append(s.attributes, value)
		default:
			m := &s.media[len(s.media)-1]
			m.attributes = append(m.attributes, value)
		}
	}
	return s
}

// parseMedia reads "video 0 RTP/AVP 96 97" (RFC 8866 5.14).
func parseMedia(value string) media {
	f := strings.Fields(value)
	var m media
	if len(f) > 0 {
		m.kind = strings.ToLower(f[0])
	}
	if len(f) > 2 {
		m.proto, m.formats = f[2], f[3:]
	}
	return m
}

// findAttribute returns the value of the first attribute called name.
func findAttribute(attributes []string, name string) string {
	for _, a := range attributes {
		if n, v, found := strings.Cut(a, ":"); found && strings.EqualFold(n, name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// encoding is one way to code a medium.
type encoding struct {
	payloadType uint8
	name        string // upper case: "H264"
	clock       int    // RTP timestamp units a second
	channels    int    // audio
}

// listEncodings returns those of the rtpmap attributes (RFC 8866 6.6), then those of
// payload types that need no attribute (RFC 3551 6). An rtpmap of a type that the media
// line does not list describes nothing, except if all are so: then the line is wrong.
func (m *media) listEncodings() []encoding {
	var list, orphans []encoding
	for _, a := range m.attributes {
		v, isMap := strings.CutPrefix(a, "rtpmap:")
		switch e, ok := parseRTPMap(v); {
		case !isMap || !ok:
		case m.listsFormat(e.payloadType):
			list = append(list, e)
		default:
			orphans = append(orphans, e)
		}
	}

	for _, f := range m.formats {
		pt, err := strconv.ParseUint(f, 10, 7)
		if e, ok := staticEncodings[uint8(pt)]; err == nil && ok && !hasPayloadType(list, uint8(pt)) {
			e.payloadType = uint8(pt)
			list = append(list, e)
		}
	}
	if len(list) == 0 {
		return orphans
	}
	return list
}

// listsFormat reports whether the media line lists a payload type.
func (m *media) listsFormat(payloadType uint8) bool {
	return slices.ContainsFunc(m.formats, func(f string) bool {
		pt, err := strconv.ParseUint(f, 10, 7)
		return err == nil && uint8(pt) == payloadType
	})
}

func hasPayloadType(list []encoding, payloadType uint8) bool {
	for _, e := range list {
		if e.payloadType == payloadType {
			return true
		}
	}
	return false
}

// parseRTPMap reads "96 H264/90000" and "97 MPEG4-GENERIC/48000/2".
func parseRTPMap(value string) (e encoding, ok bool) {
	number, rest, _ := strings.Cut(strings.TrimSpace(value), " ")
	pt, err := strconv.ParseUint(number, 10, 7)
	if err != nil {
		return e, false
	}

	p := strings.Split(strings.TrimSpace(rest), "/")
	e = encoding{payloadType: uint8(pt), name: strings.ToUpper(p[0])}
	if len(p) > 1 {
		e.clock, _ = strconv.Atoi(p[1])
	}
	if len(p) > 2 {
		e.channels, _ = strconv.Atoi(p[2])
	}
	return e, e.name != ""
}

// formatParameters returns the format parameters of a payload type (RFC 8866 6.15)
// by their names in lower case.
func (m *media) formatParameters(payloadType uint8) map[string]string {
	params := map[string]string{}
	for _, a := range m.attributes {
		v, ok := strings.CutPrefix(a, "fmtp:")
		if !ok {
			continue
		}
		number, list, _ := strings.Cut(strings.TrimSpace(v), " ")
		if pt, err := strconv.ParseUint(number, 10, 7); err != nil || uint8(pt) != payloadType {
			continue
		}

		for p := range strings.SplitSeq(list, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
			params[strings.ToLower(name)] = strings.TrimSpace(value)
		}
	}
	return params
}

// chooseEncoding returns the first encoding of H.264 or H.265, else the first one.
// ok reports whether there is any.
func (m *media) chooseEncoding() (e encoding, c keyframe.Codec, ok bool) {
	all := m.listEncodings()
	for _, e := range all {
		if c := codecOf(e.name); c != keyframe.UnknownCodec {
			return e, c, true
		}
	}

	if len(all) == 0 {
		return e, keyframe.UnknownCodec, false
	}
	return all[0], keyframe.UnknownCodec, true
}

// codecOf returns the codec of an encoding, if kfgrab reads it.
func codecOf(encoding string) keyframe.Codec {
	switch codecName(encoding) {
	case "h264":
		return keyframe.H264
	case "hevc":
		return keyframe.H265
	}
	return keyframe.UnknownCodec
}

// listTracks describes every medium for probing.
func (s *sdp) listTracks() []keyframe.Track {
	var list []keyframe.Track
	for i := range s.media {
		m := &s.media[i]
		t := keyframe.Track{ID: i, Type: trackType(m.kind), Codec: "unknown"}
		if e, _, ok := m.chooseEncoding(); ok {
			t.Codec = codecName(e.name)
			if t.Type == "audio" {
				t.SampleRate, t.Channels = e.clock, max(e.channels, 1)
			}
		}
		list = append(list, t)
	}
	return list
}

func trackType(kind string) string {
	switch kind {
	case "video", "audio":
		return kind
	case "text":
		return "subtitle"
	}
	return "data"
}

// reduceTo returns an SDP of one medium that gortsplib reads without complaint. It
// keeps what SETUP needs: the keys of encrypted media.
func (s *sdp) reduceTo(v *videoTrack) []byte {
	m := &s.media[v.index]
	var b strings.Builder
	b.WriteString("v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n")
	writeAttributes(&b, s.attributes, "key-mgmt")

	proto := "RTP/AVP"
	if strings.Contains(m.proto, "SAVP") {
		proto = "RTP/SAVP"
	}
	fmt.Fprintf(&b, "m=video 0 %s %d\r\n", proto, v.payloadType)
	fmt.Fprintf(&b, "a=rtpmap:%d %s/%d\r\n", v.payloadType, v.encoding, v.clock)
	if v.codec == keyframe.H264 {
		// gortsplib v5.6.5 refuses mode 0 over UDP because of its own decoder.
		fmt.Fprintf(&b, "a=fmtp:%d packetization-mode=1\r\n", v.payloadType)
	}
	writeAttributes(&b, m.attributes, "key-mgmt", "crypto")
	return []byte(b.String())
}

func writeAttributes(b *strings.Builder, attributes []string, names ...string) {
	for _, n := range names {
		if v := findAttribute(attributes, n); v != "" {
			fmt.Fprintf(b, "a=%s:%s\r\n", n, v)
		}
	}
}

// staticEncodings are the payload types of RFC 3551 table 4 and 5 that cameras
// and servers use without an rtpmap attribute.
var staticEncodings = map[uint8]encoding{
	0:  {name: "PCMU", clock: 8000},
	3:  {name: "GSM", clock: 8000},
	8:  {name: "PCMA", clock: 8000},
	9:  {name: "G722", clock: 8000},
	10: {name: "L16", clock: 44100, channels: 2},
	11: {name: "L16", clock: 44100},
	14: {name: "MPA", clock: 90000},
	26: {name: "JPEG", clock: 90000},
	31: {name: "H261", clock: 90000},
	32: {name: "MPV", clock: 90000},
	33: {name: "MP2T", clock: 90000},
	34: {name: "H263", clock: 90000},
}

// codecNames maps RTP encoding names to ffprobe's codec names, unless they are the
// same in lower case.
var codecNames = map[string]string{
	"H265":          "hevc",
	"HEVC":          "hevc",
	"H266":          "vvc",
	"JPEG":          "mjpeg",
	"MP4V-ES":       "mpeg4",
	"MPV":           "mpegvideo",
	"MP2T":          "mpegts",
	"H263-1998":     "h263",
	"H263-2000":     "h263",
	"MPEG4-GENERIC": "aac",
	"MP4A-LATM":     "aac",
	"MPA":           "mp3",
	"PCMU":          "pcm_mulaw",
	"PCMA":          "pcm_alaw",
	"L8":            "pcm_u8",
	"L16":           "pcm_s16be",
	"L24":           "pcm_s24be",
	"G722":          "adpcm_g722",
	"MULTIOPUS":     "opus",
}

func codecName(encoding string) string {
	if n, ok := codecNames[encoding]; ok {
		return n
	}
	if strings.HasPrefix(encoding, "G726-") || strings.HasPrefix(encoding, "AAL2-G726-") {
		return "adpcm_g726"
	}
	return strings.ToLower(encoding)
}
