package fetch

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// addValidators adds to own the headers that ask for d only if it has changed, and
// reports whether there are any (RFC 9110 13.1). Weak entity tags are good enough: they
// are compared as such (13.1.2), and a playlist with the same meaning is the same.
func (d *Document) addValidators(own http.Header) bool {
	if d == nil || d.URL == nil {
		return false
	}

	modified := d.Header.Get("Last-Modified")
	settled := isSettled(modified, d.Header.Get("Date"))

	if tag := d.Header.Get("Etag"); isEntityTag(tag) && (settled || !isNginxTag(tag, modified)) {
		own.Set("If-None-Match", tag)
		return true
	}
	if settled {
		own.Set("If-Modified-Since", modified)
		return true
	}
	return false
}

// asNotModified returns d as it is after a 304.
func (d *Document) asNotModified() *Document {
	same := *d
	same.NotModified = true
	return &same
}

// isEntityTag reports whether s is a well-formed entity tag (RFC 9110 8.8.3): some
// servers leave out the quotes, and answer 400 to their own tag.
func isEntityTag(s string) bool {
	s = strings.TrimPrefix(s, "W/")
	return len(s) >= 2 && s[0] == '"' && strings.IndexByte(s[1:], '"') == len(s)-2 &&
		!strings.ContainsFunc(s, func(r rune) bool { return r < '!' || r == 0x7f })
}

// isNginxTag reports whether tag is one that nginx gives to a file: its date in seconds
// and its size, in hexadecimal. A playlist whose window moves has the same size for
// hours, and two versions within a second the same tag.
func isNginxTag(tag, modified string) bool {
	m, err := http.ParseTime(modified)
	return err == nil && strings.HasPrefix(strings.TrimPrefix(tag, "W/"), fmt.Sprintf(`"%x-`, m.Unix()))
}

// isSettled reports whether no later change can share a Last-Modified, which counts in
// seconds (RFC 9110 8.8.2.2). Live playlists are fetched just after they were
// written.
func isSettled(modified, date string) bool {
	m, err := http.ParseTime(modified)
	if err != nil {
		return false
	}
	at, err := http.ParseTime(date)
	return err == nil && at.Sub(m) >= time.Second
}
