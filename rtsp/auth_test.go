package rtsp

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	authUser     = "cam era/1"
	authPassword = "p@ss:w/rd?%#ü"
)

var authParameter = regexp.MustCompile(`(\w+)=(?:"([^"]*)"|([^",\s]+))`)

// verifies reports whether an Authorization field proves the password, by RFC
// 7617 or RFC 7616 3.4.1. Its A2 has the request's method and the field's URI.
func verifies(field, method string) bool {
	if plain, found := strings.CutPrefix(field, "Basic "); found {
		return plain == base64.StdEncoding.EncodeToString([]byte(authUser+":"+authPassword))
	}
	v := map[string]string{}
	for _, m := range authParameter.FindAllStringSubmatch(field, -1) {
		v[m[1]] = m[2] + m[3]
	}
	h := func(parts ...string) string {
		text := []byte(strings.Join(parts, ":"))
		if v["algorithm"] == "SHA-256" {
			return fmt.Sprintf("%x", sha256.Sum256(text))
		}
		return fmt.Sprintf("%x", md5.Sum(text))
	}
	a1, a2 := h(authUser, "the realm", authPassword), h(method, v["uri"])
	want := h(a1, v["nonce"], a2)
	if v["qop"] != "" {
		want = h(a1, v["nonce"], v["nc"], v["cnonce"], v["qop"], a2)
	}
	return v["username"] == authUser && v["response"] == want && v["nonce"] == "4711"
}

func TestAuthentication(t *testing.T) {
	s, packets := pictures(t, 0, 2)
	for _, c := range []struct {
		challenges []string
		want       string // in each Authorization field
	}{
		{[]string{`Basic realm="the realm"`}, "Basic "},
		{[]string{`Digest realm="the realm", nonce="4711"`}, "Digest "},
		{[]string{`Digest realm="the realm", nonce="4711", algorithm=MD5`}, `algorithm=`},
		{[]string{`Digest realm="the realm", nonce="4711", qop="auth"`}, `cnonce=`},
		{[]string{`Digest realm="the realm", nonce="4711", qop="auth-int,auth", opaque="o"`}, `opaque="o"`},
		{[]string{`Digest realm="the realm", nonce="4711", algorithm=SHA-256`}, `SHA-256`},
		{[]string{`Digest realm="the realm", nonce="4711", algorithm="SHA-256", qop="auth"`}, `cnonce=`},
		{[]string{`Digest realm="the realm", nonce="4711", algorithm=SHA-256`, `Digest realm="the realm", nonce="4711"`}, "SHA-256"},
		{[]string{`Basic realm="the realm"`, `Digest realm="the realm", nonce="4711"`}, "Digest "},
		{[]string{`Negotiate`, `Basic realm="the realm"`}, "Basic "},
	} {
		t.Run(strings.Join(c.challenges, " or "), func(t *testing.T) {
			t.Parallel()
			srv := &script{sdp: h264SDP, play: func(p *peer) { p.send(packets) }}
			srv.answer = func(p *peer, method string) string {
				field := p.head.Get("Authorization")
				switch {
				case method == "OPTIONS" && field == "":
					return ""
				case field == "":
					return challenge(c.challenges...)(p, method)
				case !strings.Contains(field, c.want) || !verifies(field, method):
					t.Errorf("%s with %s", method, field)
					return "RTSP/1.0 403 Forbidden\r\n"
				}
				return ""
			}
			u := srv.run(t)
			u.User = url.UserPassword(authUser, authPassword)
			grabs(t, u, nil, 2, func(f *keyframe.Frame) { sameFrames(t, []*keyframe.Frame{f}, s.frames[:1]) })
		})
	}
}

func TestUnknownAuthentication(t *testing.T) {
	u := (&script{answer: challenge("Negotiate")}).run(t)
	u.User = url.UserPassword(authUser, authPassword)
	_, err := grab(t, u, nil)
	var status *StatusError
	if !errors.As(err, &status) || status.Code != 401 || !strings.Contains(err.Error(), "the server wants Negotiate, kfgrab knows Basic") {
		t.Error(err)
	}
}
