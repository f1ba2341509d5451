package neterror

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestTimeoutError(t *testing.T) {
	for limit, want := range map[time.Duration]string{
		2 * time.Minute: "not done within 2m", time.Hour: "not done within 1h", 500 * time.Millisecond: "not done within 500ms", 90 * time.Second: "not done within 1m30s",
	} {
		if got := NotDone(limit).Error(); got != want {
			t.Errorf("%v: %q, want %q", limit, got, want)
		}
	}
}

func TestDescribe(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	certificate := func(err error) error { return &tls.CertificateVerificationError{Err: err} }
	for _, tt := range []struct {
		err  error
		want string
	}{
		{dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), "connection refused: no server listens at this port"},
		{fmt.Errorf("later: %w", dial(&net.DNSError{Err: "no such host", Name: "secret", IsNotFound: true})), "no such host: check its name"},
		{dial(&net.DNSError{Err: "server\nmisbehaving", Name: "secret"}), "name lookup failed: server misbehaving"},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, "the server's certificate is signed by an unknown authority"},
		{dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH)), "no route to host: check the address and the network"},
		{dial(os.NewSyscallError("connect", syscall.ENETUNREACH)), "network is unreachable: check the address and the network"},
		{dial(os.NewSyscallError("connect", syscall.ETIMEDOUT)), "no answer: check the address, and whether a firewall drops the connection"},
		{dial(os.NewSyscallError("connect", syscall.EINVAL)), "no connection to this kind of address; a link-local one names its interface, as in [fe80::1%25eth0]"},
		{dial(os.NewSyscallError("connect", syscall.EACCES)), "permission denied: this machine's firewall may refuse the connection"},
		{dial(os.NewSyscallError("socket", syscall.EMFILE)), "too many open files: raise the limit with ulimit -n"},
		{os.NewSyscallError("read", syscall.ECONNRESET), "connection reset by peer"},
		{dial(&net.AddrError{Err: "invalid port", Addr: "99999"}), "invalid address: invalid port"},
		{dial(&net.DNSError{Err: "i/o timeout", Name: "secret", IsTimeout: true}), "name lookup timed out: check the network and its DNS server"},
		{net.ErrClosed, "the server closed the connection too early"},
		{context.Canceled, "interrupted"},
		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, "the server does not speak TLS at this port: http:// instead of https://, or rtsp:// instead of rtsps://?"},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: protocol version not supported")}, "the server has no TLS 1.2 or later"},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: handshake failure")}, "the server accepts none of the TLS ciphers, or wants a client certificate, which kfgrab has not"},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")}, "the server wants a client certificate, which kfgrab has not"},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: unrecognized name")}, "the server has no certificate for this host name: check the name"},
		{&net.OpError{Op: "TLS handshake", Err: &net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}}, "the server wants a client certificate, which kfgrab has not"},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: internal error")}, "the server ended the TLS handshake: internal error"},
		{&net.OpError{Op: "TLS handshake", Err: errors.New("tls: server selected unsupported protocol version 301")}, "TLS failed: server selected unsupported protocol version 301"},
		{certificate(x509.UnknownAuthorityError{Cert: &x509.Certificate{}}), "the server's certificate is self-signed"},
		{certificate(x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"a.test", "b.test"}, IPAddresses: []net.IP{{10, 0, 0, 1}, {10, 0, 0, 2}}}, Host: "cam"}), "the server's certificate is for a.test, b.test, 10.0.0.1, …, not for cam"},
		{certificate(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "10.0.0.7"}), "the server's certificate is for no host, not for 10.0.0.7"},
		{certificate(x509.CertificateInvalidError{Cert: &x509.Certificate{NotAfter: time.Date(2021, 1, 2, 0, 0, 0, 0, time.UTC)}, Reason: x509.Expired}), "the server's certificate expired on 2021-01-02"},
		{certificate(x509.CertificateInvalidError{Cert: &x509.Certificate{NotBefore: time.Date(2999, 1, 2, 0, 0, 0, 0, time.UTC)}, Reason: x509.Expired}), "the server's certificate is valid only from 2999-01-02: check this machine's clock"},
		{certificate(x509.SystemRootsError{}), "this system has no certificate authorities: install ca-certificates"},
		{certificate(x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.NotAuthorizedToSign}), "the server's certificate is not valid: certificate is not authorized to sign other certificates"},
		{&net.OpError{Op: "socks connect", Err: errors.New("unknown error host unreachable")}, "it cannot reach the server: host unreachable"},
		{&ProxyError{URL: "http://proxy:3128", Err: io.EOF}, "no connection through the proxy http://proxy:3128: the server closed the connection too early"},
		{io.EOF, "the server closed the connection too early"},
		{io.ErrUnexpectedEOF, "the server closed the connection too early"},
		{dial(context.DeadlineExceeded), "timed out"},
		{errors.New("odd\r\nthing"), "odd thing"},
		{errors.New(strings.Repeat("é", 150)), strings.Repeat("é", 100) + "…"},
	} {
		if got := Describe(tt.err); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.err, got, tt.want)
		}
	}
}
