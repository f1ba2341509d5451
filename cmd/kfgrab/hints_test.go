package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/config"
	"github.com/kfgrab/kfgrab/internal/credential"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/hlssource"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
	"github.com/kfgrab/kfgrab/rtsp"
)

func TestDescribeErrorNamesFlagsThatHelp(t *testing.T) {
	missing := func(path string) error { return &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist} }
	for _, c := range []struct {
		err  error
		want string // how the text ends
	}{
		{decode.ErrNoFFmpeg, "--format annexb, mp4 and json need none)"},
		{fetch.ErrBudget, "(--max-bytes raises it)"},
		{hlssource.ErrImagesOnly, "(--allow-tiles --width N takes one)"},
		{credential.ErrNoHash, "(kfgrab serve --hash makes a hash)"},
		{config.ErrNoClients, "(kfgrab serve --hash makes a hash)"},
		{&fetch.Error{Err: &tls.CertificateVerificationError{Err: errors.New("unknown")}}, "--insecure any certificate)"},
		{&picture.BlankError{Tried: 2, Err: fetch.ErrBudget}, "(--max-bytes raises it)"},
		{&fetch.StatusError{Code: 401}, "(--header 'Authorization: …' sends other credentials)"},
		{&fetch.StatusError{Code: 401, SentAuth: true}, "the credentials were refused"},
		{&fetch.StatusError{Code: 403}, "(--header sends a missing header, --user-agent another User-Agent)"},
		{&fetch.StatusError{Code: 403, SentAuth: true}, "(--header sends a missing header, --user-agent another User-Agent)"},
		{&fetch.StatusError{Code: 407}, "(--proxy http://user:password@host:port)"},
		{&rtsp.StatusError{Code: 407, Method: "CONNECT"}, "(--proxy http://user:password@host:port)"},
		{&rtsp.StatusError{Code: 461, Method: "SETUP"}, "(--rtsp-transport names one: auto, tcp, udp or multicast)"},
		{&rtsp.StatusError{Code: 453, Method: "SETUP"}, "SETUP: 453"},
		{&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}, Host: "camera"}}, "(--tls-fingerprint trusts this certificate only, --insecure any)"},
		{&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Cert: &x509.Certificate{}}}, "(--tls-fingerprint trusts this certificate only, --insecure any)"},
		{context.Canceled, "live: interrupted"},
		{context.DeadlineExceeded, "live: the time was up"},
		{os.ErrDeadlineExceeded, "live: the time was up"},
		{io.ErrUnexpectedEOF, "live: it ends too early"},
		{&fetch.StatusError{Code: 404}, "or no longer"},
		{keyframe.ErrNotFound, keyframe.ErrNotFound.Error()},
		{errors.New("two\nlines"), "two lines"},

		{missing("example.com/live.m3u8"), "did you mean https://example.com/live.m3u8?"},
		{missing("cam.example.org:8080/a"), "did you mean https://cam.example.org:8080/a?"},
		{missing("192.168.1.10/live"), "did you mean http://192.168.1.10/live?"},
		{missing("192.168.1.10:554"), "did you mean rtsp://192.168.1.10:554?"},
		{missing("camera:8322/live"), "did you mean rtsps://camera:8322/live?"},
		{missing("localhost:8888/x/index.m3u8"), "did you mean http://localhost:8888/x/index.m3u8?"},
		{missing("//example.com/film.mp4"), "did you mean https://example.com/film.mp4?"},
		{missing("picture"), "kfgrab --help lists the commands"},
		{missing("camera:80"), fs.ErrNotExist.Error()},
		{missing("1.2.3/a"), fs.ErrNotExist.Error()},
		{missing("shots/door.jpg"), fs.ErrNotExist.Error()},
		{missing("clip.mp4"), fs.ErrNotExist.Error()},
		{missing("../a.ts/b"), fs.ErrNotExist.Error()},
	} {
		if got := describeError(fmt.Errorf("live: %w", c.err)); !strings.HasSuffix(got, c.want) {
			t.Errorf("%q does not end in %q", got, c.want)
		}
	}
}
