package sink

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// maxIdle is the number of calls that are likely to run at once.
const maxIdle = 16

// newTransport bounds every step of a call; its context bounds the whole.
func newTransport(config *tls.Config) *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second, TLSClientConfig: config, ForceAttemptHTTP2: true,
		MaxIdleConnsPerHost: maxIdle, IdleConnTimeout: 90 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		DisableCompression: true,
	}
}
