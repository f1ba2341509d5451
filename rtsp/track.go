package rtsp

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/kfgrab/kfgrab/keyframe"
)

// videoTrack is the medium that a session plays, as its SDP describes it.
type videoTrack struct {
	index         int // among the media descriptions
	codec         keyframe.Codec
	encoding      string // its name in the SDP
	payloadType   uint8
	synonyms      []uint8 // payload types that carry the same
	clock         int
	parameterSets [][]byte // NAL units without start codes
	donl          bool     // sprop-max-don-diff > 0
	encrypted     bool     // SRTP, with keys of the session
	alternatives  int      // how many other tracks kfgrab reads
}

// transportStream is the encoding name of an MPEG transport stream (RFC 2250), whose
// own tables name the codec.
const transportStream = "MP2T"

func (v *videoTrack) isTransportStream() bool { return v.encoding == transportStream }

// videoClock is the RTP clock of H.264 and H.265 (RFC 6184 8.2.1, RFC 7798 7.1),
// for SDPs that leave it out.
const videoClock = 90000

// chooseVideo returns the nth of the tracks that kfgrab reads, or the last one. The
// error wraps ErrNotFound if there is no video, and ErrUnsupported if there is only
// other video.
func (s *sdp) chooseVideo(n int) (*videoTrack, error) {
	var list []*videoTrack
	var others []string
	for i := range s.media {
		m := &s.media[i]
		if m.kind != "video" {
			continue
		}

		v, other := m.newTrack(i)
		if v == nil {
			others = append(others, other)
			continue
		}
		v.encrypted = m.isEncrypted(s.attributes)
		list = append(list, v)
	}

	switch {
	case len(list) > 0:
		v := list[min(n, len(list)-1)]
		v.alternatives = len(list) - 1
		return v, nil
	case len(others) > 0:
		return nil, fmt.Errorf("%w: the video is %s, kfgrab reads h264 and hevc", keyframe.ErrUnsupported, strings.Join(others, ", "))
	case len(s.media) == 0:
		return nil, fmt.Errorf("%w: the server describes no media", keyframe.ErrNotFound)
	}
	return nil, fmt.Errorf("%w: no video track (%s only)", keyframe.ErrNotFound, s.listKinds())
}

// listKinds names the types of all media: "audio", "audio, data".
func (s *sdp) listKinds() string {
	var list []string
	for _, t := range s.listTracks() {
		if len(list) == 0 || list[len(list)-1] != t.Type {
			list = append(list, t.Type)
		}
	}
	return strings.Join(list, ", ")
}

// newTrack returns the track that a medium describes, or the name of what kfgrab does
// not read.
func (m *media) newTrack(index int) (v *videoTrack, other string) {
	e, c, known := m.chooseEncoding()
	params := m.formatParameters(e.payloadType)
	v = &videoTrack{index: index, codec: c, encoding: e.name, payloadType: e.payloadType, clock: e.clock}
	v.synonyms = m.listSynonyms(c, e)
	if v.clock <= 0 {
		v.clock = videoClock
	}

	switch {
	case c == keyframe.H264 && params["packetization-mode"] == "2":
		return nil, "h264 sent out of decoding order (packetization-mode 2)"
	case c == keyframe.H264:
		v.parameterSets = decodeParameterSets(params["sprop-parameter-sets"])
	case c == keyframe.H265:
		for _, name := range []string{"sprop-vps", "sprop-sps", "sprop-pps"} {
			v.parameterSets = append(v.parameterSets, decodeParameterSets(params[name])...)
		}
		n, _ := strconv.Atoi(params["sprop-max-don-diff"])
		v.donl = n > 0
	case e.name == transportStream:
	case known:
		return nil, codecName(e.name)
	default:
		return nil, "of an unnamed codec"
	}
	return v, ""
}

// listSynonyms returns the payload types besides that of e that may carry the same:
// other ones of the codec, or those of the media line if that does not list e.
func (m *media) listSynonyms(c keyframe.Codec, e encoding) (list []uint8) {
	for _, other := range m.listEncodings() {
		if codecOf(other.name) == c && other.payloadType != e.payloadType {
			list = append(list, other.payloadType)
		}
	}
	if m.listsFormat(e.payloadType) {
		return list
	}
	for _, f := range m.formats {
		if pt, err := strconv.ParseUint(f, 10, 7); err == nil {
			list = append(list, uint8(pt))
		}
	}
	return list
}

// isEncrypted reports whether the medium is sent as SRTP, by its profile or by its
// keys (RFC 4567, RFC 4568).
func (m *media) isEncrypted(session []string) bool {
	return strings.Contains(m.proto, "SAVP") || findAttribute(m.attributes, "crypto") != "" ||
		findAttribute(m.attributes, "key-mgmt") != "" || findAttribute(session, "key-mgmt") != ""
}

// decodeParameterSets reads NAL units in Base64 with commas between them (RFC 6184
// 8.1, RFC 7798 7.1). It skips damaged ones, as the stream may repeat them. Some
// cameras quote the value, omit the Base64 padding, or put a start code before the
// NAL unit.
func decodeParameterSets(value string) [][]byte {
	var list [][]byte
	for text := range strings.SplitSeq(value, ",") {
		text = strings.TrimRight(strings.Trim(text, "\" "), "=")
		b, err := base64.RawStdEncoding.DecodeString(text)
		if err != nil {
			continue
		}

		if bytes.HasPrefix(b, []byte{0, 0, 1}) || bytes.HasPrefix(b, []byte{0, 0, 0, 1}) {
			for u := range keyframe.AnnexB(b) {
				list = append(list, bytes.Clone(u))
			}
		} else if len(b) > 0 {
			list = append(list, b)
		}
	}
	return list
}

// parseInfo reads the first sequence parameter set of the SDP. It returns the zero
// Info if there is none.
func (v *videoTrack) parseInfo() keyframe.Info {
	for _, set := range v.parameterSets {
		if v.codec.IsSPS(set) {
			if i, err := keyframe.ParseInfo(v.codec, set); err == nil {
				return i
			}
		}
	}
	return keyframe.Info{}
}
