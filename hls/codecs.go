package hls

import (
	"strings"

	"github.com/kfgrab/kfgrab/keyframe"
)

// codecClass classifies the video of a variant by its CODECS attribute.
type codecClass uint8

const (
	videoUnknown     codecClass = iota // no CODECS
	videoReadable                      // H.264 or H.265
	videoNone                          // only audio and text
	videoUnsupported                   // a video codec that kfgrab does not read
)

// classifyCodecs reads CODECS (RFC 6381): the names of sample entries, each with
// its parameters after a dot. A list with one readable video codec is readable.
func classifyCodecs(codecs string) codecClass {
	class := videoUnknown
	for entry := range strings.SplitSeq(codecs, ",") {
		entry = strings.TrimSpace(entry)
		name, parameters, _ := strings.Cut(entry, ".")
		switch {
		case entry == "":
		case codecOf(name, parameters) != keyframe.UnknownCodec:
			return videoReadable
		case !isVideo(name):
			if class == videoUnknown {
				class = videoNone
			}
		default:
			class = videoUnsupported
		}
	}

	return class
}

// hasCodec reports whether CODECS lists video of codec c.
func hasCodec(codecs string, c keyframe.Codec) bool {
	for entry := range strings.SplitSeq(codecs, ",") {
		if name, parameters, _ := strings.Cut(strings.TrimSpace(entry), "."); codecOf(name, parameters) == c {
			return true
		}
	}
	return false
}

// codecOf returns the codec of a sample entry, except for profile 5 of Dolby
// Vision (dvh1.05), whose colours only a Dolby Vision decoder can show.
func codecOf(name, parameters string) keyframe.Codec {
	if (name == "dvh1" || name == "dvhe") && strings.HasPrefix(parameters, "05") {
		return keyframe.UnknownCodec
	}
	return keyframe.SampleEntryCodec(name)
}

// isVideo reports whether a sample entry is of video. The names of audio and text
// are listed here, so that an error names a video codec of the future instead of
// taking it for audio.
func isVideo(name string) bool {
	switch strings.ToLower(name) {
	case "mp4a", "ac-3", "ec-3", "ac-4", "alac", "flac", "opus", "mp3", "vorbis",
		"dtsc", "dtse", "dtsh", "dtsl", "dtsx", "mha1", "mha2", "mhm1", "mhm2", "iamf", "apac", "samr", "sawb", "ulaw", "alaw":
		return false
	case "wvtt", "stpp", "tx3g", "c608", "c708":
		return false
	}
	return true
}
