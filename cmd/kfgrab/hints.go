package main

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"net/http"
	"regexp"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/config"
	"github.com/kfgrab/kfgrab/internal/credential"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/hlssource"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
)

// hints names the flags that help after an error of the library, which knows no flags.
// The first hint that matches is the one that is printed.
var hints = []struct {
	matches func(error) bool
	text    string
}{
	{isError(decode.ErrNoFFmpeg), "--ffmpeg names one; --format annexb, mp4 and json need none"},
	{isError(fetch.ErrBudget), "--max-bytes raises it"},
	{isError(hlssource.ErrImagesOnly), "--allow-tiles --width N takes one"},
	{isError(credential.ErrNoHash), "kfgrab serve --hash makes a hash"},
	{isError(config.ErrNoClients), "kfgrab serve --hash makes a hash"},
	{hasType[*tls.CertificateVerificationError], "--ca FILE trusts its authority, --insecure any certificate"},
	{isBlank, "without --skip-black, kfgrab takes the keyframe as it is"},
	{refusedWith(http.StatusUnauthorized), "--header 'Authorization: …' sends other credentials"},
	{refusedWith(http.StatusForbidden), "--header sends a missing header, --user-agent another User-Agent"},
}

// describeError returns the text of err on one line, with a hint if there is one.
func describeError(err error) string {
	text := neterror.OneLine(err.Error())
	if u := missingScheme(err); u != "" {
		return text + "; did you mean " + u + "?"
	}

	for _, h := range hints {
		if h.matches(err) {
			return text + " (" + h.text + ")"
		}
	}
	return text
}

func isError(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func hasType[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}

// isBlank reports whether all keyframes that were tried are blank, and nothing else is
// wrong.
func isBlank(err error) bool {
	var blank *picture.BlankError
	return errors.As(err, &blank) && blank.Err == keyframe.ErrNotFound
}

// refusedWith matches a refusal by an HTTP server that did not see credentials.
func refusedWith(code int) func(error) bool {
	return func(err error) bool {
		var status *fetch.StatusError
		return errors.As(err, &status) && status.Code == code && !status.SentAuth
	}
}

// hostAndPath is the beginning of a URL without its scheme.
var hostAndPath = regexp.MustCompile(`^[[:alnum:]-]+(\.[[:alnum:]-]+)*\.[[:alpha:]]{2,}(:\d+)?/`)

// missingScheme returns the URL that was probably meant by the path of a missing file,
// or "".
func missingScheme(err error) string {
	var missing *fs.PathError
	if !errors.As(err, &missing) || !errors.Is(err, fs.ErrNotExist) || !hostAndPath.MatchString(missing.Path) {
		return ""
	}
	return "https://" + missing.Path
}
