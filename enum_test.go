package kfgrab_test

import (
	"encoding"
	"errors"
	"fmt"
	"testing"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
	"github.com/kfgrab/kfgrab/rtsp"
)

// Class, Edge and Transport used to panic on such values.
func TestUnknownEnumValuePrintsTypeAndNumber(t *testing.T) {
	for want, value := range map[string]fmt.Stringer{
		"Class(99)":     kfgrab.Class(99),
		"Codec(99)":     keyframe.Codec(99),
		"Edge(99)":      hls.Edge(99),
		"Fit(99)":       decode.Fit(99),
		"Format(99)":    decode.Format(99),
		"Format(98)":    picture.Format(98),
		"Kind(99)":      keyframe.Kind(99),
		"Transport(99)": rtsp.Transport(99),
	} {
		if got := value.String(); got != want {
			t.Errorf("%T prints %q, want %q", value, got, want)
		}
	}
	if c := kfgrab.Class(99); c.HTTPStatus() != 500 || c.Reason() == "" {
		t.Errorf("class 99 has the status %d and the reason %q", c.HTTPStatus(), c.Reason())
	}
}

func TestOpenRefusesUnknownEnumValues(t *testing.T) {
	for name, o := range map[string]*kfgrab.Options{
		"edge":      {Edge: 99},
		"transport": {RTSP: kfgrab.RTSPOptions{Transport: 99}},
		"codec":     {Codec: 99},
	} {
		if _, err := kfgrab.Open("http://127.0.0.1/x.m3u8", o); !errors.Is(err, kfgrab.ErrUsage) {
			t.Errorf("%s 99: %v, want an error of usage", name, err)
		}
	}
}

func TestEnumTextRoundTrips(t *testing.T) {
	type textValue interface {
		encoding.TextMarshaler
		encoding.TextUnmarshaler
	}
	for text, value := range map[string]textValue{
		"next":          new(hls.Edge),
		"720p":          new(hls.Selector),
		"multicast":     new(rtsp.Transport),
		"hevc":          new(keyframe.Codec),
		"cover":         new(decode.Fit),
		"bgr24":         new(decode.Format),
		"mp4":           new(picture.Format),
		"640x360+320+8": new(decode.Crop),
	} {
		if err := value.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%T: %v", value, err)
		}
		if got, err := value.MarshalText(); err != nil || string(got) != text {
			t.Errorf("%T writes %q, %v; want %q", value, got, err, text)
		}
		if err := value.UnmarshalText([]byte("nonsense")); err == nil {
			t.Errorf("%T reads nonsense", value)
		}
	}
}
