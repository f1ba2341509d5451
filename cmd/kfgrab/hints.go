package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"strings"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/config"
	"github.com/kfgrab/kfgrab/internal/credential"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/hlssource"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
	"github.com/kfgrab/kfgrab/rtsp"
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
	{hasType[x509.HostnameError], "--tls-fingerprint trusts this certificate only, --insecure any"},
	{hasType[x509.CertificateInvalidError], "--tls-fingerprint trusts this certificate only, --insecure any"},
	{hasType[*tls.CertificateVerificationError], "--ca FILE trusts its authority, --insecure any certificate"},
	{refusedOverRTSP(461), "--rtsp-transport names one: auto, tcp, udp or multicast"},
	{refusedOverRTSP(http.StatusProxyAuthRequired), "--proxy http://user:password@host:port"},
	{isBlank, "without --skip-black, kfgrab takes the keyframe as it is"},
	{refusedWith(http.StatusUnauthorized), "--header 'Authorization: …' sends other credentials"},
	{refusedWith(http.StatusProxyAuthRequired), "--proxy http://user:password@host:port"},
	{refusedWith(http.StatusForbidden), "--header sends a missing header, --user-agent another User-Agent"},
}

// describeError returns the text of err on one line, with a hint if there is one.
func describeError(err error) string {
	text := describeWithoutHint(err)
	if hint := hintOnMissingFile(err); hint != "" {
		return text + "; " + hint
	}

	for _, h := range hints {
		if h.matches(err) {
			return text + " (" + h.text + ")"
		}
	}
	return text
}

func describeWithoutHint(err error) string {
	return nameRefusedFlag(err, plainWords.Replace(neterror.OneLine(err.Error())))
}

// plainWords stand for Go's texts that can reach a user from anywhere.
var plainWords = strings.NewReplacer(
	context.Canceled.Error(), "interrupted",
	context.DeadlineExceeded.Error(), "the time was up",
	os.ErrDeadlineExceeded.Error(), "the time was up",
	io.ErrUnexpectedEOF.Error(), "it ends too early",
)

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

// refusedWith matches a refusal by an HTTP server, except of credentials that it saw.
func refusedWith(code int) func(error) bool {
	return func(err error) bool {
		var status *fetch.StatusError
		seen := errors.As(err, &status) && status.SentAuth && code == http.StatusUnauthorized
		return status != nil && status.Code == code && !seen
	}
}

// refusedOverRTSP matches a refusal by an RTSP server or by a proxy before it.
func refusedOverRTSP(code int) func(error) bool {
	return func(err error) bool {
		var status *rtsp.StatusError
		return errors.As(err, &status) && status.Code == code
	}
}

// bareURLs are the beginnings of URLs without schemes, and the schemes that are most
// probably missing: a name with a top-level domain and a path; an IPv4 address or
// localhost. The first group is the port.
var bareURLs = []struct {
	pattern *regexp.Regexp
	scheme  string
}{
	{regexp.MustCompile(`^(?:[[:alnum:]-]+\.)+[[:alpha:]]{2,}(?::(\d+))?/`), "https://"},
	{regexp.MustCompile(`^(?:\d{1,3}(?:\.\d{1,3}){3}|localhost)(?::(\d+))?(?:/|$)`), "http://"},
	{regexp.MustCompile(`^[[:alnum:].-]+:(8?554|8?322)(?:/|$)`), "rtsp://"},
}

// rtspPorts are those of RTSP and RTSPS, and the ones that servers without root use.
var rtspPorts = map[string]string{"554": "rtsp://", "8554": "rtsp://", "322": "rtsps://", "8322": "rtsps://"}

// bareWord has nothing of a file name but letters.
var bareWord = regexp.MustCompile(`^[[:alpha:]]+$`)

// hintOnMissingFile says what was probably meant by the path of a missing file: a URL
// without its scheme, or a command. It returns "" for others.
func hintOnMissingFile(err error) string {
	var missing *fs.PathError
	if !errors.As(err, &missing) || missing.Op != "open" || !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	path := strings.TrimPrefix(missing.Path, "//")

	if bareWord.MatchString(path) {
		return "kfgrab --help lists the commands"
	}
	for _, bare := range bareURLs {
		if m := bare.pattern.FindStringSubmatch(path); m != nil {
			return "did you mean " + cmp.Or(rtspPorts[m[1]], bare.scheme) + path + "?"
		}
	}
	return ""
}
