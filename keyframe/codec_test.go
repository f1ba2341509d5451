package keyframe

import "testing"

func TestParseCodec(t *testing.T) {
	for text, want := range map[string]Codec{
		"h264": H264, "AVC": H264, "h265": H265, "hevc": H265,
		"": UnknownCodec, "av1": UnknownCodec, "unknown": UnknownCodec,
	} {
		got, err := ParseCodec(text)
		if got != want || (err == nil) != (want != UnknownCodec) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
}
