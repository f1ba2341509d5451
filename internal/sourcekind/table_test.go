package sourcekind

import (
	"errors"
	"slices"
	"testing"
)

// honoured lists for each kind the options that it honours; it refuses all others.
var honoured = map[Set][]string{
	LiveTS:      {"AllowTiles", "At", "AtClock", "Edge", "EdgeNext", "MaxBandwidth", "Program", "Rendition"},
	LiveMP4:     {"AllowTiles", "At", "AtClock", "Edge", "EdgeNext", "MaxBandwidth", "Rendition"},
	RecordedTS:  {"AllowTiles", "At", "AtClock", "Edge", "MaxBandwidth", "Program", "Rendition"},
	RecordedMP4: {"AllowTiles", "At", "AtClock", "Edge", "MaxBandwidth", "Rendition"},
	WebTS:       {"At", "EdgeNext", "Program"},
	WebMP4:      {"At", "EdgeNext"},
	WebRaw:      {"EdgeNext"},
	LocalTS:     {"At", "EdgeNext", "Program"},
	LocalMP4:    {"At", "EdgeNext"},
	LocalRaw:    {"EdgeNext"},
	PipeTS:      {"At", "EdgeNext", "MaxBytes", "Program"},
	PipeMP4:     {"At", "EdgeNext", "MaxBytes"},
	PipeRaw:     {"EdgeNext", "MaxBytes"},
	Datagrams:   {"EdgeNext", "MaxBytes", "Program"},
	PlainRTSP:   {"EdgeNext", "RTSP.KeepSession", "RTSP.KeyframeTimeout", "RTSP.NoKeyframeRequest", "RTSP.Transport"},
	Tunnel:      {"EdgeNext", "RTSP.KeepSession", "RTSP.KeyframeTimeout", "RTSP.NoKeyframeRequest", "RTSP.Transport"},
}

var (
	webOptions    = []string{"Header", "HeadersEverywhere"}
	serverOptions = []string{"InsecureTLS", "MaxBytes", "Proxy", "RootCAs", "TLSFingerprint", "UserAgent"}
)

// TestTable walks through every kind and every option. An Edge of EdgeNext has both
// rows, so that what is not HLS refuses it by the other.
func TestTable(t *testing.T) {
	for kind := Set(1); kind <= All; kind <<= 1 {
		want := honoured[kind]
		if kind&Web != 0 {
			want = append(want, webOptions...)
		}
		if kind&(Web|RTSP) != 0 {
			want = append(want, serverOptions...)
		}

		for _, option := range Options() {
			err := Check(option, kind)
			if (err == nil) != slices.Contains(want, option) {
				t.Errorf("kind %#x, %s: %v", uint32(kind), option, err)
			}
			var refused *Error
			if err != nil && (!errors.As(err, &refused) || refused.Option != option || refused.Reason == "") {
				t.Errorf("kind %#x, %s: %#v", uint32(kind), option, err)
			}
		}
	}
}

// TestCheckSets proves that an option is refused only if no kind that a source may still
// be honours it.
func TestCheckSets(t *testing.T) {
	for _, tt := range []struct {
		option   string
		possible Set
		refused  bool
	}{
		{"Program", Web, false},
		{"Program", MP4, true},
		{"EdgeNext", HLS, false},
		{"EdgeNext", RecordedHLS, true},
		{"MaxBytes", Local | Pipe, false},
		{"At", Raw | Datagrams, true},
		{"Width", All, false},
		{"At", 0, false},
	} {
		if err := Check(tt.option, tt.possible); (err != nil) != tt.refused {
			t.Errorf("%s of %#x: %v", tt.option, uint32(tt.possible), err)
		}
	}
}

func TestOfURL(t *testing.T) {
	for rawURL, want := range map[string]Set{
		"-": Pipe, "a.ts": Local | Pipe, "file:///a.ts": Local | Pipe, "HTTP://h/": Web, "https://h/": Web, "udp://h:1": Datagrams,
		"rtsp://h/": PlainRTSP, "rtsps://h/": PlainRTSP, "rtsp+http://h/": Tunnel, "rtsps+ws://h/": Tunnel, "ftp://h/": 0,
	} {
		if got := OfURL(rawURL); got != want {
			t.Errorf("%s: %#x, want %#x", rawURL, uint32(got), uint32(want))
		}
	}
}
