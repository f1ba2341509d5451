package rtsp

import "strings"

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

// codecNames gives the name that ffprobe prints for an RTP encoding name, where
// it is not the same in lower case.
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
