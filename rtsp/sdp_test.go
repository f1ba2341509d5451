package rtsp

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/sdpunmarshaler"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// summary describes a parsed SDP in one line: the chosen track, the number of
// its parameter sets, the picture's size from them, or the class of error; then
// all tracks.
func summary(text []byte) string {
	s := parseSDP(text)
	var b strings.Builder
	v, err := s.chooseVideo(0)
	switch {
	case errors.Is(err, keyframe.ErrNotFound):
		b.WriteString("not found")
	case errors.Is(err, keyframe.ErrUnsupported):
		b.WriteString("unsupported")
	default:
		i := v.parseInfo()
		fmt.Fprintf(&b, "track %d %v pt %d sets %d %dx%d", v.index, v.codec, v.payloadType, len(v.parameterSets), i.Width, i.Height)
	}
	for _, t := range s.listTracks() {
		b.WriteString(" | " + t.Type + " " + t.Codec)
		if t.SampleRate > 0 {
			fmt.Fprintf(&b, " %d/%d", t.SampleRate, t.Channels)
		}
	}
	return b.String()
}

var sdpCases = []struct{ name, text, want string }{
	{"empty", "", "not found"},
	{"not an SDP", "<html>\n<body>a=b m=c</body>", "not found"},
	{"plain", "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n", "track 0 h264 pt 96 sets 0 0x0 | video h264"},
	{"line feeds, no clock", "v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 h264\n", "track 0 h264 pt 96 sets 0 0x0 | video h264"},
	{"byte order mark, no rtpmap value", "\ufeffv=0\nm=video 0 RTP/AVP 96\na=rtpmap:96\n", "unsupported | video unknown"},
	{"audio before video", "m=audio 0 RTP/AVP 0\nm=video 0 RTP/AVP 97\na=rtpmap:97 H265/90000\n", "track 1 hevc pt 97 sets 0 0x0 | audio pcm_mulaw 8000/1 | video hevc"},
	{"audio only", "m=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/48000/2\n", "not found | audio aac 48000/2"},
	{"MJPEG by its number", "m=video 0 RTP/AVP 26\n", "unsupported | video mjpeg"},
	{"MPEG-4 only", "m=video 0 RTP/AVP 96\na=rtpmap:96 MP4V-ES/90000\n", "unsupported | video mpeg4"},
	{"MJPEG, then H.264", "m=video 0 RTP/AVP 26\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\n", "track 1 h264 pt 96 sets 0 0x0 | video mjpeg | video h264"},
	{"several codecs of one medium", "m=video 0 RTP/AVP 96 97\na=rtpmap:96 VP8/90000\na=rtpmap:97 H264/90000\n", "track 0 h264 pt 97 sets 0 0x0 | video h264"},
	{"payload type that is no number", "m=video 0 RTP/AVP smart/1/90000\na=rtpmap:96 H264/90000\n", "track 0 h264 pt 96 sets 0 0x0 | video h264"},
	{"interleaved mode", "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=2\n", "unsupported | video h264"},
	{"H.264 that calls itself metadata", "m=application 0 RTP/AVP 96\na=rtpmap:96 H264/90000\n", "not found | data h264"},
	{"parameters of another payload type", "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:97 sprop-parameter-sets=Z0IAKeKQFAe2AtwEBAaQeJEV,aM48gA==\n", "track 0 h264 pt 96 sets 0 0x0 | video h264"},
	{"sets quoted and without padding", "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 Sprop-Parameter-Sets=\"Z0IAKeKQFAe2AtwEBAaQeJEV,aM48gA\"\n", "track 0 h264 pt 96 sets 2 640x480 | video h264"},
	{"sets with start codes, one damaged", "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 sprop-parameter-sets=AAAAAWdCACnikBQHtgLcBAQGkHiRFQ==,!!,AAAAAWjOPIA=\n", "track 0 h264 pt 96 sets 2 640x480 | video h264"},
}

func TestSDP(t *testing.T) {
	for _, c := range sdpCases {
		t.Run(c.name, func(t *testing.T) {
			if got := summary([]byte(c.text)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestMaxDONDiff(t *testing.T) {
	for value, want := range map[string]bool{"": false, "0": false, "1": true, "32767": true, "x": false} {
		v, err := parseSDP([]byte("m=video 0 RTP/AVP 96\na=rtpmap:96 H265/90000\na=fmtp:96 sprop-max-don-diff=" + value)).chooseVideo(0)
		if err != nil || v.donl != want {
			t.Errorf("sprop-max-don-diff %q: %v, %v", value, v, err)
		}
	}
}

func TestErrorsNameTheCodec(t *testing.T) {
	_, err := parseSDP([]byte("m=video 0 RTP/AVP 26\nm=video 0 RTP/AVP 96\na=rtpmap:96 AV1/90000\n")).chooseVideo(0)
	if err == nil || !strings.Contains(err.Error(), "mjpeg, av1") {
		t.Error(err)
	}
	_, err = parseSDP([]byte("m=audio 0 RTP/AVP 0\n")).chooseVideo(0)
	if err == nil || !strings.Contains(err.Error(), "no video track (audio only)") {
		t.Error(err)
	}
}

// checkReduced checks that gortsplib accepts a reduced SDP and finds its only
// track.
func checkReduced(t *testing.T, text []byte) {
	t.Helper()
	s := parseSDP(text)
	v, err := s.chooseVideo(0)
	if err != nil {
		return
	}
	reduced := s.reduceTo(v)
	parsed, err := sdpunmarshaler.Unmarshal(reduced)
	if err != nil {
		t.Fatalf("%v in %q", err, reduced)
	}
	var d description.Session
	if err := d.Unmarshal2(parsed); err != nil {
		t.Fatalf("%v in %q", err, reduced)
	}
	if len(d.Medias) != 1 || len(d.Medias[0].Formats) != 1 || d.Medias[0].Formats[0].PayloadType() != v.payloadType {
		t.Errorf("%q has become %+v", reduced, d.Medias)
	}
}

// corpus returns the SDPs of cameras and servers by their path.
func corpus(tb testing.TB) map[string][]byte {
	tb.Helper()
	testmedia.MustCorpus(tb, "sdp")
	return corpusIfThere()
}

func corpusIfThere() map[string][]byte {
	sdps := map[string][]byte{}
	files, _ := testmedia.Corpus("sdp")
	for _, f := range files {
		b, err := os.ReadFile(f.Path)
		if err != nil {
			continue
		}
		if bytes.HasPrefix(b, []byte("RTSP/1.0 200")) {
			_, b, _ = bytes.Cut(b, []byte("\r\n\r\n"))
		}
		sdps[f.Name] = b
	}
	return sdps
}

// corpusWant lists what a person read in the SDPs.
var corpusWant = map[string]string{
	"AlexxIT+go2rtc/sdp/pkg__rtsp__rtsp_test.go.L172.sdp":                  "unsupported | video mjpeg | audio pcm_mulaw 8000/1 | data vnd.onvif.metadata | data video.analysis",
	"AlexxIT+go2rtc/sdp/pkg__rtsp__rtsp_test.go.L214.sdp":                  "track 0 h264 pt 105 sets 2 640x360 | video h264 | audio pcm_mulaw 8000/1 | audio pcm_alaw 8000/1 | data vnd.onvif.metadata",
	"AlexxIT+go2rtc/sdp/pkg__rtsp__rtsp_test.go.L32.sdp":                   "track 0 h264 pt 96 sets 2 1280x720 | video h264 | audio aac 8000/1",
	"AlexxIT+go2rtc/sdp/pkg__rtsp__rtsp_test.go.L86.sdp":                   "track 0 h264 pt 96 sets 2 2560x1920 | video h264 | audio aac 16000/1 | audio pcm_alaw 8000/1",
	"AlexxIT+go2rtc/sdp/pkg__webrtc__webrtc_test.go.L12.sdp":               "track 1 h264 pt 99 sets 0 0x0 | audio opus 48000/2 | video h264",
	"GStreamer+gst-plugins-good/tests/examples/rtp/client-H263p-PCMA.sdp":  "unsupported | video h263 | audio pcm_alaw 8000/1",
	"GStreamer+gst-plugins-good/tests/examples/rtp/client-PCMA.sdp":        "not found | audio pcm_alaw 8000/1",
	"bluenviron+gortsplib/sdp/pkg__description__session_test.go.L1053.sdp": "track 0 hevc pt 96 sets 3 1334x750 | video hevc | audio aac 44100/2",
	"bluenviron+gortsplib/sdp/pkg__description__session_test.go.L165.sdp":  "track 1 h264 pt 100 sets 0 0x0 | audio opus 48000/2 | video h264",
	"bluenviron+gortsplib/sdp/pkg__description__session_test.go.L572.sdp":  "unsupported | audio pcm_mulaw 8000/1 | data ulpfec | video h261 | data ulpfec",
	"bluenviron+gortsplib/sdp/pkg__format__format_test.go.L738.sdp":        "unsupported | video mpeg4",
	"bluenviron+gortsplib/sdp/pkg__format__format_test.go.L823.sdp":        "track 0 h264 pt 96 sets 3 1920x1080 | video h264",
	"bluenviron+gortsplib/sdp/pkg__format__format_test.go.L934.sdp":        "track 0 h264 pt 35 sets 2 1920x1080 | video h264",
	"bluenviron+gortsplib/sdp/server_record_test.go.L105.sdp":              "track 0 h264 pt 97 sets 0 0x0 | video h264",
	"ireader+media-server/sdp/libsip__test__sip-uas-test.cpp.L43.sdp":      "track 0 h264 pt 98 sets 0 0x0 | video h264",
	"ngraziano+SharpRTSP/RTSP.Tests/Sdp/Data/test1.sdp":                    "unsupported | audio pcm_mulaw 8000/1 | video h261",
	"ngraziano+SharpRTSP/RTSP.Tests/Sdp/Data/test4.sdp":                    "track 0 h264 pt 96 sets 2 1920x1080 | video h264 | audio pcm_alaw 8000/1",
	"scottlamb+retina/src/client/testdata/anjvision_describe.txt":          "track 0 hevc pt 96 sets 3 1280x704 | video hevc",
	"scottlamb+retina/src/client/testdata/bunny_describe.txt":              "track 1 h264 pt 97 sets 2 240x160 | audio aac 12000/2 | video h264",
	"scottlamb+retina/src/client/testdata/dahua_describe_h265_pcma.txt":    "track 0 hevc pt 98 sets 3 704x480 | video hevc | audio pcm_alaw 8000/1",
	"scottlamb+retina/src/client/testdata/hikvision_describe.txt":          "track 0 h264 pt 96 sets 2 1920x1080 | video h264 | data vnd.onvif.metadata",
	"scottlamb+retina/src/client/testdata/reolink_describe.txt":            "track 0 h264 pt 96 sets 2 2560x1440 | video h264 | audio aac 16000/1",
}

func TestSDPCorpus(t *testing.T) {
	sdps := corpus(t)
	for name, text := range sdps {
		t.Run(name, func(t *testing.T) {
			got := summary(text)
			if want, ok := corpusWant[name]; ok && got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			checkReduced(t, text)
		})
	}
	for name := range corpusWant {
		if sdps[name] == nil {
			t.Errorf("the corpus has no %s", name)
		}
	}
}

// FuzzSDP checks that the chosen track is one of the media, with a codec and a
// payload type in range, and that gortsplib accepts the reduced SDP.
func FuzzSDP(f *testing.F) {
	for _, c := range sdpCases {
		f.Add([]byte(c.text))
	}
	for _, text := range corpusIfThere() {
		f.Add(text)
	}
	f.Add([]byte("m=video 0 RTP/SAVP 96\na=rtpmap:96 H264/90000\na=control:trackID=1\na=control:x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := parseSDP(text)
		v, err := s.chooseVideo(0)
		if err != nil {
			if !errors.Is(err, keyframe.ErrNotFound) && !errors.Is(err, keyframe.ErrUnsupported) || strings.ContainsAny(err.Error(), "\r\n") {
				t.Error(err)
			}
			return
		}
		if s.media[v.index].kind != "video" || (v.codec == keyframe.UnknownCodec && !v.isTransportStream()) || v.payloadType > 127 || v.clock <= 0 {
			t.Errorf("chose %+v", v)
		}
		v.parseInfo()
		if _, err := sdpunmarshaler.Unmarshal(s.reduceTo(v)); err != nil {
			t.Errorf("%v in %q", err, s.reduceTo(v))
		}
	})
}
