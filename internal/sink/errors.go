package sink

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/kfgrab/kfgrab/internal/neterror"
)

// errNoStream is a picture that cannot have a path.
var errNoStream = errors.New("a picture without its stream's name cannot be put")

// StatusError is the refusal of an object store or of a webhook's server.
type StatusError struct {
	URL  string // redacted
	Code int    // RFC 9110 15
	Msg  string // one line: what the server said of it, or what to do; may be ""
}

func (e *StatusError) Error() string {
	s := fmt.Sprintf("%s: status %d", e.URL, e.Code)
	if text := http.StatusText(e.Code); text != "" {
		s += " " + text
	}
	if e.Msg != "" {
		s += ": " + e.Msg
	}
	return s
}

// transferError is a server that could not be reached or broke off, at an address
// that is redacted.
type transferError struct {
	url string
	err error
}

// Error leaves out the address that net/http puts into its errors.
func (e *transferError) Error() string {
	err := e.err
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err
	}
	return e.url + ": " + neterror.Describe(err)
}

func (e *transferError) Unwrap() error { return e.err }
