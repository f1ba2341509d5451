package allow

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func parse(t *testing.T, text string) *List {
	t.Helper()
	l, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestParse(t *testing.T) {
	for text, empty := range map[string]bool{
		"": true, " , ": true, "*": false, "example.com": false, "*.example.com,10.0.0.0/8\n[::1]": false,
	} {
		if l := parse(t, text); l.Empty() != empty {
			t.Errorf("%q is empty: %v", text, !empty)
		}
	}
	for _, text := range []string{"*.", "a*.example.com", "http://example.com", "example.com:80", "10.0.0.0/40", "user@host", "**"} {
		if _, err := Parse("example.com " + text); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if !(*List)(nil).Empty() || (*List)(nil).CheckURL(&url.URL{Scheme: "http", Host: "example.com"}) == nil {
		t.Error("no list allows something")
	}
}

func TestCheckURL(t *testing.T) {
	const list = "Example.com, *.cdn.example.org, 10.1.0.0/16, 203.0.113.7, fd00::7"
	for _, test := range []struct {
		list, url string
		good      bool
	}{
		{list, "https://example.com/live.m3u8", true},
		{list, "rtsps://EXAMPLE.com.:322/", true},
		{list, "rtsp+http://example.com/", true},
		{list, "https://www.example.com/", false},
		{list, "https://a.b.cdn.example.org/", true},
		{list, "https://cdn.example.org/", false},
		{list, "https://evilcdn.example.org/", false},
		{list, "https://example.com.evil.org/", false},
		{list, "https://example.com@evil.org/", false},
		{list, "http://10.1.2.3:8080/", true},
		{list, "http://10.2.2.3/", false},
		{list, "http://[fd00::7]/", true},
		{list, "http://[::ffff:10.1.2.3]/", true},
		{list, "http://8.8.8.8/", false},
		{list, "http:///live", false},
		{list, "udp://example.com:1234", false},
		{list, "file:///etc/passwd", false},
		{list, "", false},
		{"*", "http://8.8.8.8/", true},
		{"*", "https://anything.example/", true},
		{"", "https://example.com/", false},
	} {
		u, err := url.Parse(test.url)
		if err != nil {
			t.Fatal(err)
		}
		if err := parse(t, test.list).CheckURL(u); (err == nil) != test.good || err != nil && !errors.Is(err, ErrRefused) {
			t.Errorf("%q: %q: %v", test.list, test.url, err)
		}
	}
}

func TestPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"1.1.1.1": true, "93.184.215.14": true, "2606:4700:4700::1111": true, "::ffff:1.1.1.1": true, "64:ff9b::101:101": true,
		"0.0.0.0": false, "10.0.0.1": false, "100.100.100.200": false, "127.0.0.1": false, "127.1.2.3": false,
		"169.254.169.254": false, "172.31.255.255": false, "172.32.0.1": true, "192.0.0.192": false, "192.168.1.1": false,
		"198.19.0.1": false, "224.0.0.1": false, "255.255.255.255": false, "168.63.129.16": false,
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "::7f00:1": false, "fe80::1%eth0": false, "fd00:ec2::254": false,
		"ff02::1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::1": false, "2001:0:1::1": false, "2002:7f00:1::": false,
	} {
		if got := isPublic(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is public: %v", text, got)
		}
	}
}

// TestDialContext: the address dialled decides, not the name.
func TestDialContext(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	for _, test := range []struct {
		list, host string
		good       bool
		why        string
	}{
		{"127.0.0.1", "127.0.0.1", true, ""},
		{"localhost 127.0.0.0/8 ::1", "localhost", true, ""},
		{"localhost", "localhost", false, "not public"},
		{"*", "localhost", false, "not public"},
		{"*", "127.0.0.1", false, "not public"},
		{"*", "::ffff:127.0.0.1", false, "not public"},
		{"*", "0.0.0.0", false, "not public"},
		{"127.0.0.1", "localhost", false, "not on the list"},
		{"example.com", "127.0.0.1", false, "not on the list"},
		{"", "127.0.0.1", false, "not on the list"},
	} {
		conn, err := parse(t, test.list).DialContext(t.Context(), "tcp", net.JoinHostPort(test.host, port))
		if err == nil {
			conn.Close()
		}
		if (err == nil) != test.good {
			t.Errorf("%q: %s: %v", test.list, test.host, err)
		}
		var op *net.OpError
		if err == nil || test.good {
			continue
		}
		if !errors.Is(err, ErrRefused) || !errors.As(err, &op) || op.Addr != nil || !strings.Contains(err.Error(), test.why) {
			t.Errorf("%q: %s: %v", test.list, test.host, err)
		}
	}
}

func TestDialContextFails(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	l := parse(t, "127.0.0.1")
	for address, ctx := range map[string]context.Context{"127.0.0.1": t.Context(), "127.0.0.1:9": ended} {
		if _, err := l.DialContext(ctx, "tcp", address); err == nil || errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// FuzzCheckURL: no list of names allows an address that is not public.
func FuzzCheckURL(f *testing.F) {
	for _, host := range []string{"127.0.0.1", "[::1]", "example.com", "2130706433", "0x7f.1", "[fe80::1%25eth0]", "EXAMPLE.com."} {
		f.Add("http://"+host+"/", "example.com *.example.org")
	}
	f.Fuzz(func(t *testing.T, rawURL, text string) {
		u, err := url.Parse(rawURL)
		if err != nil {
			return
		}
		l, err := Parse(text)
		if err != nil || l.CheckURL(u) != nil {
			return
		}
		address, err := netip.ParseAddr(u.Hostname())
		if err == nil && !l.any && !l.hasAddress(address) {
			t.Errorf("%q lets %s by", text, rawURL)
		}
	})
}
