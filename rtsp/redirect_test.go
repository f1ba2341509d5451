package rtsp

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

// askWho answers DESCRIBE with 401 until it gets credentials, and then with to.
func askWho(to string) func(*peer, string) string {
	return func(p *peer, method string) string {
		switch {
		case method != "DESCRIBE":
		case p.head.Get("Authorization") == "":
			return "RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"r\"\r\n"
		default:
			return to
		}
		return ""
	}
}

func redirectTo(location string) string {
	return "RTSP/1.0 302 Found\r\nLocation: " + location + "\r\n"
}

func TestRedirect(t *testing.T) {
	s, packets := pictures(t, 0, 2)
	end := &script{sdp: h264SDP, play: func(p *peer) { p.send(packets) }}
	to := end.run(t)
	start := &script{answer: askWho(redirectTo(to.String()))}
	u := start.run(t)
	u.User = url.UserPassword("me", "s3cret")
	f, err := grab(t, u, nil)
	if err != nil {
		t.Fatal(err)
	}
	sameFrames(t, []*keyframe.Frame{f}, s.frames[:1])
	if start.saw("Authorization") == 0 || end.saw("DESCRIBE") != 1 {
		t.Errorf("requests %v, then %v", start.requests, end.requests)
	}
}

// TestRedirectKeepsCredentials proves that the target of a redirect gets no
// credentials, even if it asks for them.
func TestRedirectKeepsCredentials(t *testing.T) {
	end := &script{sdp: h264SDP, answer: askWho("")}
	to := end.run(t)
	u := (&script{answer: askWho(redirectTo(to.String()))}).run(t)
	u.User = url.UserPassword("me", "s3cret")
	_, err := grab(t, u, nil)
	var status *StatusError
	if !errors.As(err, &status) || status.Code != 401 || !strings.Contains(status.URL, to.Host) {
		t.Errorf("got %v, want 401 from %s", err, to)
	}
	if end.saw("DESCRIBE") != 1 || end.saw("Authorization") != 0 {
		t.Errorf("the other host was asked: %v", end.requests)
	}
}

func TestRedirectLoop(t *testing.T) {
	srv := &script{}
	srv.answer = func(_ *peer, method string) string {
		if method == "DESCRIBE" {
			return redirectTo("/live/again")
		}
		return ""
	}
	_, err := grab(t, srv.run(t), nil)
	var status *StatusError
	if !errors.As(err, &status) || status.Code != 302 || !strings.Contains(err.Error(), "more than 5 redirects") {
		t.Error(err)
	}
	if n := srv.saw("DESCRIBE"); n != maxRedirects+1 {
		t.Errorf("%d DESCRIBE, want %d", n, maxRedirects+1)
	}
}

func TestFollow(t *testing.T) {
	for _, c := range []struct{ from, location, want, text string }{
		{"rtsp://me:pw@h/a", "rtsp://h:554/b", "rtsp://me:pw@h:554/b", ""},
		{"rtsp://me:pw@h:8554/a/b?x=1", "c?y=2", "rtsp://me:pw@h:8554/a/c?y=2", ""},
		{"rtsp://me:pw@h/a", "rtsp://h:8554/b", "rtsp://h:8554/b", ""},
		{"rtsp://me:pw@h/a", "rtsp://other/b#x", "rtsp://other/b", ""},
		{"rtsp://me:pw@h/a", "rtsp://you:and@other/b", "rtsp://you:and@other/b", ""},
		{"rtsp://me:pw@h:322/a", "rtsps://h/b", "rtsps://me:pw@h/b", ""},
		{"rtsps://me:pw@h/a", "rtsp://h/b", "", "not encrypted"},
		{"rtsp://me:pw@h/a", "http://you:pw@h/b", "", "redirect to http://xxxxx@h/b"},
		{"rtsp://me:pw@h/a", "rtsp://you:pw@h:bad/", "", "no URL"},
	} {
		u, err := url.Parse(c.from)
		if err != nil {
			t.Fatal(err)
		}
		to, err := resolveRedirect(u, c.location)
		switch {
		case c.text != "":
			if err == nil || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "pw") {
				t.Errorf("%s to %s: %v, want an error with %q", c.from, c.location, err, c.text)
			}
		case err != nil || to.String() != c.want:
			t.Errorf("%s to %s: %v, %v, want %s", c.from, c.location, to, err, c.want)
		}
	}
}
