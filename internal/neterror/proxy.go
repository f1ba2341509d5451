package neterror

import (
	"errors"
	"net"
	"strings"
)

// ProxyError means that a proxy made no connection to the server.
type ProxyError struct {
	URL string // of the proxy, redacted
	Err error
}

func (e *ProxyError) Error() string {
	return "no connection through the proxy " + e.URL + ": " + Describe(e.Err)
}

func (e *ProxyError) Unwrap() error { return e.Err }

// describeSOCKS describes an error of golang.org/x/net/proxy, of which net/http has a copy.
// It returns "" for others.
func describeSOCKS(err error) string {
	var failed *net.OpError
	if !errors.As(err, &failed) || failed.Op != "socks connect" {
		return ""
	}

	text := failed.Err.Error()
	switch reason, refused := strings.CutPrefix(text, "unknown error "); {
	case refused:
		return "it cannot reach the server: " + Line(reason)
	case strings.HasPrefix(text, "username/password"):
		return "it refuses the user and the password"
	case strings.HasPrefix(text, "no acceptable authentication"):
		return "it wants a user and a password: write them into its URL"
	case strings.HasPrefix(text, "unexpected protocol version"):
		return "it does not speak SOCKS5"
	}
	return ""
}
