package kfgrab

import (
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/sourcekind"
	"github.com/kfgrab/kfgrab/keyframe"
)

// unrefused are the options that no kind of source refuses, and why.
var unrefused = map[string]string{
	"IfNewer":     "an optimisation that programs set for all streams",
	"Width":       "a wish: the picture is scaled",
	"Height":      "a wish: the picture is scaled",
	"Codec":       "every stream has one",
	"MaxBytes":    "programs set it for all streams; the command refuses it",
	"UserAgent":   "programs set it for all streams; the command refuses it",
	"DialContext": "it guards connections, of which there may be none",
	"Stdin":       "what the URL - stands for",
	"OnCodec":     "a hook",
	"Logger":      "a hook",
}

// TestOptionRows proves that each option is in the table of what kinds refuse, or is
// refused by none for a reason, and that For leaves out exactly what Open refuses.
func TestOptionRows(t *testing.T) {
	var names []string
	for _, row := range optionRows {
		names = append(names, row.name)
	}
	for _, name := range fieldNames(reflect.TypeFor[Options](), "") {
		if listed, free := slices.Contains(names, name), unrefused[name] != ""; listed == free {
			t.Errorf("option %s: in the table %v, refused by none %v", name, listed, free)
		}
	}
	for _, name := range sourcekind.Options() {
		if !slices.Contains(names, name) && unrefused[name] == "" {
			t.Errorf("%s of the table is no option", name)
		}
	}

	set := []Options{
		{At: time.Second},
		{AtClock: time.Unix(1, 0)},
		{Edge: EdgeLast},
		{Edge: EdgeNext},
		{Rendition: selectorOf(t, "best")},
		{MaxBandwidth: 1},
		{AllowTiles: true},
		{Program: 1},
		{Header: http.Header{"X": {"y"}}},
		{HeadersEverywhere: true},
		{Proxy: &url.URL{Scheme: "http", Host: "127.0.0.1:1"}},
		{InsecureTLS: true},
		{RootCAs: x509.NewCertPool()},
		{TLSFingerprint: make([]byte, 32)},
		{RTSP: RTSPOptions{Transport: TransportTCP}},
		{RTSP: RTSPOptions{KeyframeTimeout: 1}},
		{RTSP: RTSPOptions{NoKeyframeRequest: true}},
		{RTSP: RTSPOptions{KeepSession: true}},
		{IfNewer: true, Width: 1, Height: 1, Codec: keyframe.H264, MaxBytes: 1, UserAgent: "x"},
	}
	for _, rawURL := range []string{
		"http://127.0.0.1/", "https://127.0.0.1/", "a.ts", "file:///a.ts", "-", "udp://127.0.0.1:1", "rtsp://127.0.0.1/", "rtsps://127.0.0.1/", "rtsp+http://127.0.0.1/", "rtsps+ws://127.0.0.1/",
	} {
		for _, o := range set {
			o.Stdin = http.NoBody
			fitting := o.For(rawURL)
			s, err := Open(rawURL, &o)
			if whole := reflect.DeepEqual(o, fitting); whole != (err == nil) {
				t.Errorf("%s, %+v: %v, but For returns %+v", rawURL, o, err, fitting)
			}
			var refused *sourcekind.Error
			if err != nil && (!errors.Is(err, ErrUsage) || !errors.As(err, &refused)) && o.Proxy == nil {
				t.Errorf("%s, %+v: %v", rawURL, o, err)
			}
			if err == nil {
				s.Close()
			}
			if s, err := Open(rawURL, &fitting); err != nil {
				t.Errorf("%s without %+v: %v", rawURL, o, err)
			} else {
				s.Close()
			}
		}
	}
}

// fieldNames returns the names of the fields of a struct, with those of RTSPOptions.
func fieldNames(of reflect.Type, prefix string) (names []string) {
	for i := range of.NumField() {
		f := of.Field(i)
		if f.Type == reflect.TypeFor[RTSPOptions]() {
			names = append(names, fieldNames(f.Type, f.Name+".")...)
			continue
		}
		names = append(names, prefix+f.Name)
	}
	return names
}

func selectorOf(t *testing.T, name string) (s Selector) {
	t.Helper()
	if err := s.UnmarshalText([]byte(name)); err != nil {
		t.Fatal(err)
	}
	return s
}
