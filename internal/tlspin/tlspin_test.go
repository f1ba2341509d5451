package tlspin

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestApply(t *testing.T) {
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	sum := sha256.Sum256(srv.Certificate().Raw)
	dial := func(fingerprint []byte) error {
		c := &tls.Config{}
		Apply(c, fingerprint)
		conn, err := tls.Dial("tcp", srv.Listener.Addr().String(), c)
		if err == nil {
			conn.Close()
		}
		return err
	}
	if err := dial(sum[:]); err != nil {
		t.Errorf("the server's own fingerprint: %v", err)
	}
	var unknown *tls.CertificateVerificationError
	if err := dial(nil); !errors.As(err, &unknown) {
		t.Errorf("no fingerprint: %v, want the certificate refused", err)
	}
	sum[5] ^= 1
	var pinned *Error
	if err := dial(sum[:]); !errors.As(err, &pinned) {
		t.Fatalf("another fingerprint: %v", err)
	}
	sum[5] ^= 1
	if !strings.Contains(pinned.Error(), Format(sum[:])) {
		t.Errorf("%v does not show the server's fingerprint", pinned)
	}
}

func TestParse(t *testing.T) {
	want := sha256.Sum256([]byte("certificate"))
	colons := Format(want[:])
	for _, text := range []string{
		colons, strings.ToLower(colons), strings.ReplaceAll(colons, ":", ""), "sha256 Fingerprint=" + colons,
	} {
		if got, err := Parse(text); err != nil || string(got) != string(want[:]) {
			t.Errorf("%s: %x, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "ab", colons[:59], colons + ":00", "zz" + colons[2:]} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
