package hls

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/kfgrab/kfgrab/internal/redact"
	"github.com/kfgrab/kfgrab/keyframe"
)

// URI is a reference in a playlist, with its variables replaced. It is resolved only
// when it is used: a grab uses one of the thousands in a DVR playlist.
type URI struct {
	Text string   // may have tokens in it: print String instead
	Base *url.URL // of the playlist; nil if unknown
}

// String returns Text without credentials and tokens.
func (u URI) String() string { return redact.URL(u.Text) }

// Resolve returns the absolute address (RFC 3986 5.2). http and https are allowed
// everywhere, and file only for a reference without scheme and host in a playlist
// that is a file itself; for any other scheme the error wraps
// [keyframe.ErrUnsupported]. For an unreadable reference it wraps
// [keyframe.ErrCorrupt].
func (u URI) Resolve() (*url.URL, error) {
	ref, err := url.Parse(strings.TrimSpace(u.Text))
	if err != nil || u.Text == "" { // the text of err holds the whole URI
		return nil, fmt.Errorf("%w: the playlist has an unreadable URI %q", keyframe.ErrCorrupt, u)
	}
	abs := ref
	if !ref.IsAbs() {
		if u.Base == nil {
			return nil, fmt.Errorf("%w: a relative URI in a playlist of unknown address", keyframe.ErrUnsupported)
		}
		abs = u.Base.ResolveReference(ref)
	}

	switch {
	case (abs.Scheme == "http" || abs.Scheme == "https") && abs.Host != "":
		return abs, nil
	case abs.Scheme == "file" && !ref.IsAbs() && ref.Host == "":
		return abs, nil
	}
	return nil, fmt.Errorf("%w: the playlist leads to a %.32q address", keyframe.ErrUnsupported, abs.Scheme)
}
