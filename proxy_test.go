package kfgrab_test

import (
	"net/url"
	"testing"

	kfgrab "github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestProxyBytesCount: the cost of a stream includes what was sent to the proxy.
func TestProxyBytesCount(t *testing.T) {
	o, err := origin.Start(t.Context(), &origin.Options{Profile: origin.Small()})
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(o.Close)
	for _, scheme := range []string{"http", "socks5"} {
		for _, rawURL := range []string{o.HLS(origin.TS), o.RTSP(keyframe.H264)} {
			p, err := testserver.StartProxy("me:word")
			if err != nil {
				t.Fatal(err)
			}
			s, err := kfgrab.Open(rawURL, &kfgrab.Options{Proxy: p.URL(scheme)})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Grab(within(t, testTime)); err != nil {
				t.Errorf("%s through %s: %v", rawURL, scheme, err)
			}
			s.Close()
			p.Drain()
			if up := s.Spent().Up; up != p.Received() || up == 0 {
				t.Errorf("%s through %s: %d bytes up, the proxy received %d", rawURL, scheme, up, p.Received())
			}
		}
	}
}

// TestProxyRefused: what cannot pass a proxy, and what is none, is refused at once.
func TestProxyRefused(t *testing.T) {
	good := &url.URL{Scheme: "http", Host: "127.0.0.1:3128"}
	for rawURL, o := range map[string]kfgrab.Options{
		"udp://239.1.2.3:1234": {Proxy: good},
		"rtsp://camera/udp":    {Proxy: good, RTSP: kfgrab.RTSPOptions{Transport: kfgrab.TransportUDP}},
		"rtsp://camera/group":  {Proxy: good, RTSP: kfgrab.RTSPOptions{Transport: kfgrab.TransportMulticast}},
		"rtsp://camera/scheme": {Proxy: &url.URL{Scheme: "socks4", Host: "127.0.0.1:1080"}},
		"http://server/host":   {Proxy: &url.URL{Scheme: "http"}},
		"http://server/path":   {Proxy: &url.URL{Scheme: "http", Host: "proxy", Path: "/path"}},
		"https://server/pin":   {Proxy: &url.URL{Scheme: "https", Host: "proxy"}, TLSFingerprint: make([]byte, 32)},
	} {
		if s, err := kfgrab.Open(rawURL, &o); kfgrab.ClassOf(err) != kfgrab.Usage {
			t.Errorf("%s: %v, %v", rawURL, s, err)
		}
	}
}
