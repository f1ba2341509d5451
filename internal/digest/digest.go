// Package digest answers Digest challenges (RFC 7616) of HTTP and RTSP servers. It
// does no I/O: a [Client] takes the header fields of a server's 401 and makes those
// of the next request.
//
// The algorithms are MD5, SHA-256 and SHA-512-256, each also with -sess. Older
// servers (RFC 2617, and RFC 2069 without qop) are answered in their own way.
package digest

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
)

// Client answers the challenges of one server for one user. Its methods are safe
// for concurrent use.
type Client struct {
	user, password string

	mu       sync.Mutex
	current  *challenge
	count    uint32 // requests with the nonce of current
	cnonce   string // one for as long as the nonce: -sess hashes it once (RFC 7616 3.4.2)
	accepted bool   // the server has taken an answer to current or a nonce before it
}

// NewClient returns a Client that has seen no challenge yet.
func NewClient(user, password string) *Client {
	return &Client{user: user, password: password}
}

// Authorization returns the Authorization field of a request without a body. uri is
// the request target as it is sent. The field is empty before the first challenge.
func (c *Client) Authorization(method, uri string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil {
		return ""
	}
	c.count++
	return c.current.answer(c.user, c.password, method, uri, c.cnonce, c.count)
}

// CanAnswer reports whether a Client can answer one of the challenges in
// WWW-Authenticate fields.
func CanAnswer(fields []string) bool { return len(parseChallenges(fields)) > 0 }

// Challenge takes the WWW-Authenticate fields of a 401 to a request whose
// Authorization field was sent. It reports whether it is worth sending the request
// again. The caller bounds how often: a server may call each nonce stale.
//
// Of several challenges the first is answered, as the server prefers it (RFC 7616
// 3.7), and the next one if the server refuses the answer to its own first choice.
func (c *Client) Challenge(sent string, fields []string) bool {
	offered := parseChallenges(fields)
	if len(offered) == 0 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()

	before := c.current
	answered := parseAnswer(sent)
	switch {
	case before == nil || answered == nil:
		c.begin(offered[0])
		return true
	case answered.nonce != before.nonce || answered.algorithm != before.algorithm:
		return true // a request at the same time has brought another nonce
	}

	for i, next := range offered {
		if !strings.EqualFold(next.algorithm, before.algorithm) {
			continue
		}
		switch {
		// Some servers begin a new nonce without saying stale.
		case next.stale, c.accepted && next.nonce != before.nonce:
			c.begin(next)
			return true
		case i+1 < len(offered):
			c.begin(offered[i+1])
			return true
		}
		return false
	}
	return false
}

// Accept notes that the server took an answer. info is the Authentication-Info
// field, which may name the nonce to use next (RFC 7616 3.5); it may be empty.
func (c *Client) Accept(info string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accepted = true
	for p := range scanFields(info) {
		if strings.EqualFold(p.name, "nextnonce") && p.value != "" && c.current != nil {
			next := *c.current
			next.nonce = p.value
			c.begin(next)
			c.accepted = true
		}
	}
}

// begin answers with ch from now on.
func (c *Client) begin(ch challenge) {
	c.current, c.count, c.accepted, c.cnonce = &ch, 0, false, rand.Text()
}

// challenge is one Digest challenge that can be answered. Its texts are as they
// stood between the quotes, since they are hashed and sent back so.
type challenge struct {
	realm, nonce, opaque string
	algorithm            string // "" if the server names none: MD5
	qop                  string // the one to answer with; "" for RFC 2069
	stale, userhash      bool
}

// hashes are the algorithms by their names in capitals, without -SESS.
var hashes = map[string]func(string) string{
	"":            md5Hex,
	"MD5":         md5Hex,
	"SHA-256":     func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) },
	"SHA-512-256": func(s string) string { sum := sha512.Sum512_256([]byte(s)); return hex.EncodeToString(sum[:]) },
}

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// hash returns the function of the challenge's algorithm, nil if it is unknown, and
// whether it is one with -sess.
func (ch *challenge) hash() (hash func(string) string, session bool) {
	name, session := strings.CutSuffix(strings.ToUpper(ch.algorithm), "-SESS")
	return hashes[name], session
}

// answer returns the Authorization field (RFC 7616 3.4).
func (ch *challenge) answer(user, password, method, uri, cnonce string, count uint32) string {
	hash, session := ch.hash()
	secret := hash(user + ":" + ch.realm + ":" + password)
	if session {
		secret = hash(secret + ":" + ch.nonce + ":" + cnonce)
	}
	request := method + ":" + uri
	if ch.qop == "auth-int" {
		request += ":" + hash("")
	}

	number := fmt.Sprintf("%08x", count)
	response := hash(secret + ":" + ch.nonce + ":" + hash(request))
	if ch.qop != "" {
		response = hash(strings.Join([]string{secret, ch.nonce, number, cnonce, ch.qop, hash(request)}, ":"))
	}

	name := quotedPairs.Replace(user)
	if ch.userhash {
		name = hash(user + ":" + ch.realm)
	}
	field := fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s"`, name, ch.realm, ch.nonce, uri, response)
	if ch.algorithm != "" {
		field += ", algorithm=" + ch.algorithm
	}
	if ch.opaque != "" {
		field += `, opaque="` + ch.opaque + `"`
	}
	if ch.qop != "" {
		field += ", qop=" + ch.qop + ", nc=" + number
	}
	if ch.qop != "" || session {
		field += `, cnonce="` + cnonce + `"`
	}
	if ch.userhash {
		field += ", userhash=true"
	}
	return field
}

// quotedPairs escapes a text for a quoted string (RFC 9110 5.6.4).
var quotedPairs = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
