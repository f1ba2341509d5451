package picture

import (
	"net/url"
	"path"
	"strings"

	"github.com/kfgrab/kfgrab/internal/redact"
)

// maxName leaves room for time and extension in the 255 bytes of a file name.
const maxName = 100

// StreamName derives a name from a stream's URL, for file names and captions: host and
// path without credentials and query, at most 100 bytes of A-Z, a-z, 0-9, ".", "_" and
// "-", beginning with a letter, a digit or "_".
func StreamName(rawURL string) string {
	if rawURL == "-" {
		return "stdin"
	}

	shown := redact.URL(rawURL)
	name := path.Base(shown)
	if u, err := url.Parse(shown); err == nil && u.Scheme != "" {
		name = u.Hostname() + u.Path
	}

	name = strings.TrimSuffix(name, path.Ext(path.Base(name)))
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_':
			return r
		}
		return '-'
	}, name)

	if len(name) > maxName {
		name = name[len(name)-maxName:]
	}
	if name = strings.Trim(name, "-."); name == "" {
		return "stream"
	}
	return name
}
