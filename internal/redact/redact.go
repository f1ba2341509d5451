// Package redact removes secrets from URLs before they are shown: user name, password and the
// values of the query. It is internal to kfgrab, for every package that prints a URL.
//
// Call [URL] for everything that reaches an error, a log or a report, and [Text]
// for a text that may contain URLs.
package redact

import (
	"net/url"
	"strings"
)

// mask replaces what was removed.
const mask = "xxxxx"

// URL returns raw with its userinfo, the values of its query and its fragment
// masked. A text that does not parse as a URL is masked by hand, as the error
// of url.Parse would print it whole.
func URL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return maskUnparsable(raw)
	}
	if u.Opaque != "" {
		return u.Scheme + ":" + mask
	}
	if u.User != nil {
		u.User = url.User(mask)
	}
	u.RawQuery = maskQuery(u.RawQuery)
	u.Fragment, u.RawFragment = "", ""
	return u.String()
}

// Text masks the URLs in text as [URL] does, and puts single spaces between words.
func Text(text string) string {
	words := strings.Fields(text)
	for i, w := range words {
		if at := strings.Index(w, "://"); at >= 0 {
			scheme := strings.LastIndexFunc(w[:at], func(r rune) bool { return r < 'a' || r > 'z' }) + 1
			words[i] = w[:scheme] + URL(w[scheme:])
		}
	}
	return strings.Join(words, " ")
}

// maskQuery masks the values of a query. It keeps names and order.
func maskQuery(raw string) string {
	if raw == "" {
		return ""
	}
	pairs := strings.Split(raw, "&")

	for i, p := range pairs {
		name, _, found := strings.Cut(p, "=")
		switch {
		case found:
			pairs[i] = name + "=" + mask
		case p != "":
			pairs[i] = mask
		}
	}
	return strings.Join(pairs, "&")
}

// maskUnparsable keeps only scheme, host and path of a text that looks like a URL.
func maskUnparsable(raw string) string {
	scheme, rest, found := strings.Cut(raw, "://")
	if !found {
		return mask
	}
	shown := rest
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		shown = rest[:i]
	}

	switch i := strings.LastIndexByte(shown, '@'); {
	case i >= 0:
		shown = mask + "@" + shown[i+1:]
	case strings.Contains(rest, "@"): // these characters may be part of a password
		shown = mask
	}
	return scheme + "://" + shown
}
