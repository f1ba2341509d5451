package rtsp

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/kfgrab/kfgrab/internal/digest"
)

// login proves who the user is: by Digest (RFC 7616), with one after the other of
// the algorithms that the server offers, else by Basic (RFC 7617). It never proves
// by Basic what was refused by Digest: that would show the password to whoever
// listens.
//
// gortsplib sees neither credentials nor challenges that can be met: it gives up at
// stale=true, and answers one of the algorithms offered (TestAuthentication,
// TestStaleNonce).
type login struct {
	user   *url.Userinfo // nil: nobody
	digest *digest.Client

	basic    atomic.Bool // by Basic from now on
	answered atomic.Bool // a challenge was
}

func newLogin(user *url.Userinfo) *login {
	password, _ := user.Password()
	return &login{user: user, digest: digest.NewClient(user.Username(), password)}
}

// authorization returns the field for a request, or "".
func (l *login) authorization(method, target string) string {
	if l.basic.Load() {
		password, _ := l.user.Password()
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(l.user.Username()+":"+password))
	}
	return l.digest.Authorization(method, target)
}

// takeChallenges takes those of an answer 401 to a request whose Authorization
// field was sent. It reports whether to send the request again.
func (l *login) takeChallenges(sent string, challenges []string) bool {
	switch {
	case l.user == nil:
		return false
	case !l.basic.Load() && l.digest.Challenge(sent, challenges):
	case sent == "" && slices.Contains(listSchemes(challenges), "Basic"):
		l.basic.Store(true)
	default:
		return false
	}
	l.answered.Store(true)
	return true
}

// hint returns what to do about an answer 401 with these challenges.
func (l *login) hint(challenges []string) string {
	switch schemes := listSchemes(challenges); {
	case l.user == nil:
		return "give user name and password in the URL, as rtsp://user:password@host/path"
	case l.answered.Load():
		return "the server does not accept this user name and password"
	case len(schemes) == 0:
		return "the server names no way to send user name and password"
	default:
		return "the server wants " + strings.Join(schemes, " or ") + ", kfgrab knows Basic, and Digest with MD5, SHA-256 and SHA-512-256"
	}
}

// challengeScheme finds the scheme of a challenge, and the algorithm of Digest.
var challengeScheme = regexp.MustCompile(`(?i)(?:^|,)\s*([a-z][\w-]*)(?:\s+[\w-]+\s*=|\s*,|\s*$)|\balgorithm\s*=\s*"?([\w-]+)`)

// listSchemes names the schemes of challenges: "Basic", "Digest SHA-384".
func listSchemes(challenges []string) (list []string) {
	for _, c := range challenges {
		for _, m := range challengeScheme.FindAllStringSubmatch(oneLine(c), -1) {
			switch last := len(list) - 1; {
			case m[1] != "" && strings.EqualFold(m[1], "basic"):
				list = append(list, "Basic")
			case m[1] != "":
				list = append(list, m[1])
			case last >= 0:
				list[last] += " " + m[2]
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
