package sink

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/kfgrab/kfgrab/internal/neterror"
)

// maxIdle is the number of calls that are likely to run at once.
const maxIdle = 16

// newTransport bounds every step of a call; its context bounds the whole.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true,
		MaxIdleConnsPerHost: maxIdle, IdleConnTimeout: 90 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		DisableCompression: true,
	}
}

// statusError is the refusal of an object store or of a webhook's server.
type statusError struct {
	URL  string // redacted
	Code int    // RFC 9110 15
	Msg  string // one line: the server's reason, or what to do; may be empty
}

func (e *statusError) Error() string {
	s := fmt.Sprintf("%s: status %d", e.URL, e.Code)
	if text := http.StatusText(e.Code); text != "" {
		s += " " + text
	}
	if e.Msg != "" {
		s += ": " + e.Msg
	}
	return s
}

// transferError means that a server could not be reached or broke off.
type transferError struct {
	url string // redacted
	err error
}

// Error leaves out the address that net/http adds to its errors.
func (e *transferError) Error() string {
	err := e.err
	var inURL *url.Error
	if errors.As(err, &inURL) {
		err = inURL.Err
	}
	return e.url + ": " + neterror.Describe(err)
}

func (e *transferError) Unwrap() error { return e.err }
