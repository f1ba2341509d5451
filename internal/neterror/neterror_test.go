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
)

func TestDescribe(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for _, tt := range []struct {
		err  error
		want string
	}{
		{dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), "connection refused"},
		{fmt.Errorf("later: %w", dial(&net.DNSError{Err: "no such host", Name: "secret", IsNotFound: true})), "no such host"},
		{dial(&net.DNSError{Err: "server\nmisbehaving", Name: "secret"}), "name lookup failed: server misbehaving"},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, "x509: certificate signed by unknown authority"},
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
