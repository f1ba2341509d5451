// Package address parses the addresses that people type. Its errors show no password,
// even of an address that is mistyped. It is internal to kfgrab, for every package that
// takes an address from outside.
package address

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/kfgrab/kfgrab/internal/redact"
)

// Parse parses an absolute URL. It refuses one whose user name or password may have
// reserved characters that are not escaped (RFC 3986 3.2.1): the part after one of them
// would be taken for the host.
func Parse(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || hidesCredentials(raw) { // the text of err has the password in it
		return nil, fmt.Errorf("%s is no valid URL: in a user name or password, write %%40 for @, %%3A for :, %%2F for /, %%3F for ?, %%23 for # and %%25 for %%", redact.URL(raw))
	}
	u.Scheme = strings.ToLower(u.Scheme)
	return u, nil
}

// hidesCredentials reports whether what seem to be credentials goes on behind the end of
// the authority.
func hidesCredentials(raw string) bool {
	_, credentials, _ := redact.Split(raw)
	return strings.ContainsAny(credentials, "/?#")
}

// CheckPath returns an error for what is no file but an address without its scheme, or
// with a mistyped one, if it has credentials.
func CheckPath(path string) error {
	scheme, credentials, rest := redact.Split(path)
	if credentials == "" {
		return nil
	}
	if _, err := os.Lstat(path); err == nil {
		return nil
	}

	meant := "rtsp"
	if word := strings.Trim(scheme, ":/"); slices.Contains([]string{"http", "https", "rtsps"}, word) {
		meant = word
	}
	return fmt.Errorf("%s is no file; did you mean %s?", redact.URL(path), redact.URL(meant+"://"+credentials+rest))
}
