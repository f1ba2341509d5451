// Package redact removes secrets from addresses before they are shown: user name and
// password, the values of the query, and passwords and tokens in the path. It is internal
// to kfgrab, for every package that prints an address.
//
// Call [URL] for everything that reaches an error, a log or a report, and [Text]
// for a text that may contain addresses.
package redact

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// mask replaces what was removed.
const mask = "xxxxx"

// beginning matches what people write before the user name: any scheme with colon and two
// slashes, or a known one without one of them.
var (
	beginning   = regexp.MustCompile(`^\s*(?:[[:alpha:]][[:alnum:]+.-]*://+|` + knownScheme + `(?::/*|/+)|/+)`)
	knownURL    = regexp.MustCompile(`^` + knownScheme + `://$`)
	knownScheme = `(?i:rtsps?|https?|rtmps?|srt|udp|file)(?:\+\w+)?`
)

// Split splits an address into its beginning, which is the scheme or something like it,
// the credentials with their "@", and the rest. The credentials end at the last "@", even
// if a password has slashes, question marks or at signs that are not escaped. An "@" in
// the path or query without a colon before it ends no credentials.
func Split(raw string) (scheme, credentials, rest string) {
	scheme = beginning.FindString(raw)
	rest = raw[len(scheme):]
	at := strings.LastIndexByte(rest, '@')
	switch {
	case at < 0:
		return scheme, "", rest
	case knownURL.MatchString(scheme) && !strings.Contains(rest[:at], ":"): // a user alone, or none
		at = strings.LastIndexByte(rest[:authorityEnd(rest)], '@')
	case !strings.Contains(raw[:len(scheme)+at], ":"):
		return scheme, "", rest
	}
	return scheme, rest[:at+1], rest[at+1:]
}

func authorityEnd(rest string) int {
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		return end
	}
	return len(rest)
}

// URL returns an address with its credentials, the values of its query, its fragment,
// and the secrets of its path masked. It masks one that is mistyped, too, and leaves the
// path of a file as it is.
func URL(raw string) string {
	if strings.ContainsFunc(raw, unicode.IsControl) {
		return mask
	}
	scheme, credentials, rest := Split(raw)
	if credentials != "" {
		credentials = mask + "@"
	}

	isURL := strings.Contains(scheme, ":")
	if isURL {
		rest, _, _ = strings.Cut(rest, "#")
	}
	path, query, found := strings.Cut(rest, "?")
	if found && (isURL || strings.Contains(query, "=")) {
		query = "?" + maskQuery(query)
	} else {
		path, query = rest, ""
	}
	isRemote := isURL && !strings.HasPrefix(strings.ToLower(scheme), "file:")
	if isRemote && credentials == "" {
		path = maskPort(path)
	}
	return scheme + credentials + maskPath(path, isRemote) + query
}

// maskPort masks what stands in the place of a port and is no number: the beginning of a
// password in an address that the shell cut at an &, or whose @ is escaped, too.
func maskPort(rest string) string {
	authority := rest[:authorityEnd(rest)]
	colon := strings.IndexByte(authority, ':')
	if strings.HasPrefix(authority, "[") { // RFC 3986 3.2.2: an IPv6 address
		colon = strings.LastIndex(authority, "]:") + 1
	}
	if colon <= 0 || strings.Trim(authority[colon+1:], "0123456789") == "" {
		return rest
	}
	return authority[:colon+1] + mask + rest[len(authority):]
}

// Text masks the addresses in text as [URL] does, and puts single spaces between words.
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

// Arguments masks in text the addresses among the arguments of a command, which may have
// spaces and be quoted there.
func Arguments(text string, arguments []string) string {
	for _, argument := range arguments {
		_, value, _ := strings.Cut(argument, "=") // NAME=URL, --flag=URL
		for _, address := range []string{argument, value} {
			shown := URL(address)
			if shown == address {
				continue
			}
			text = strings.ReplaceAll(text, address, shown)
			if quoted := strconv.Quote(address); quoted != `"`+address+`"` {
				text = strings.ReplaceAll(text, quoted[1:len(quoted)-1], shown)
			}
		}
	}
	return text
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

// secretField matches the name of a secret in a part of a path, as in cameras' addresses:
// /user=admin_password=…_channel=1_stream=0.
var secretField = regexp.MustCompile(`(?i)(?:^|[_&;,.-]|%26)(?:user(?:name)?|login|pass(?:word|wd)?|pwd|psw|token|auth|key|api_?key|secret|sig(?:nature)?)(?:=|:|%3D)`)

// nextField matches what follows the value of a secret. Any other character may be part
// of it.
var nextField = regexp.MustCompile(`(?i)(?:[_&;,.-]|%26)(?:user(?:name)?|login|pass(?:word|wd)?|pwd|channel|chn?|stream|subtype|type|profile|res)(?:=|%3D)`)

// escapedCredentials matches the password of an address that is escaped to be part of
// another, or of one whose @ is escaped by mistake.
var escapedCredentials = regexp.MustCompile(`(?i)(?::|%3A).*%40`)

// maskPath masks the secrets of a path: the values of fields with the names of secrets,
// and of a remote stream parts that look like tokens.
func maskPath(path string, isRemote bool) string {
	parts := strings.Split(path, "/")
	for n, part := range parts {
		part = escapedCredentials.ReplaceAllLiteralString(part, ":"+mask+"@")
		parts[n] = part
		switch field := secretField.FindStringIndex(part); {
		case field != nil:
			parts[n] = maskFields(part)
		case isRemote && n > 0 && isToken(part):
			parts[n] = mask + extension(part)
		}
	}
	return strings.Join(parts, "/")
}

func maskFields(part string) string {
	var shown strings.Builder
	for {
		field := secretField.FindStringIndex(part)
		if field == nil {
			return shown.String() + part
		}
		shown.WriteString(part[:field[1]] + mask)
		part = part[field[1]:]
		next := nextField.FindStringIndex(part)
		if next == nil {
			return shown.String()
		}
		part = part[next[0]:]
	}
}

// Tokens are long and random: hexadecimal ones have 32 digits or more, those in base64
// letters of both cases and digits. The identifiers of streams are shorter, are words, or
// have hyphens as a UUID has.
const (
	hexToken    = 32
	base64Token = 20
)

var tokenRun = regexp.MustCompile(`[[:alnum:]+%=]+`)

func isToken(part string) bool {
	for _, run := range tokenRun.FindAllString(strings.TrimSuffix(part, extension(part)), -1) {
		digits := strings.IndexFunc(run, unicode.IsDigit) >= 0
		upper := strings.IndexFunc(run, unicode.IsUpper) >= 0
		lower := strings.IndexFunc(run, unicode.IsLower) >= 0
		isHex := strings.Trim(run, "0123456789abcdefABCDEF") == ""
		if (len(run) >= hexToken && isHex && digits && (upper || lower)) || (len(run) >= base64Token && digits && upper && lower) {
			return true
		}
	}
	return false
}

// extension returns the extension of a file name if it is one of a few letters.
func extension(part string) string {
	const longest = len(".m3u8")
	dot := strings.LastIndexByte(part, '.')
	if dot < 0 || len(part)-dot > longest {
		return ""
	}
	return part[dot:]
}
