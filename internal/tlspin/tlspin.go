// Package tlspin trusts a TLS server by the fingerprint of its certificate. It is
// internal to kfgrab, for its HTTP and RTSP clients.
//
// Call [Apply] on the configuration of a client that has a fingerprint.
package tlspin

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"strings"
)

// Apply makes c compare the server's own certificate with fingerprint, its SHA-256, in
// place of every other check: authorities, names and dates. It does nothing if
// fingerprint is empty.
func Apply(c *tls.Config, fingerprint []byte) {
	if len(fingerprint) == 0 {
		return
	}
	c.InsecureSkipVerify = true // VerifyConnection verifies instead
	c.VerifyConnection = func(state tls.ConnectionState) error {
		got := sha256.Sum256(state.PeerCertificates[0].Raw)
		if !bytes.Equal(got[:], fingerprint) {
			return &Error{Got: got[:]}
		}
		return nil
	}
}

// Error is a certificate with another fingerprint.
type Error struct{ Got []byte }

// Error shows the fingerprint of the server's certificate.
func (e *Error) Error() string {
	return "the server's certificate is another: its SHA-256 fingerprint is " + Format(e.Got)
}

// Format returns a fingerprint in the format of openssl x509 -fingerprint -sha256.
func Format(fingerprint []byte) string {
	var pairs []string
	for _, b := range fingerprint {
		pairs = append(pairs, fmt.Sprintf("%02X", b))
	}
	return strings.Join(pairs, ":")
}

// Parse reads 32 bytes in hexadecimal digits, with or without colons, and with or
// without openssl's prefix "sha256 Fingerprint=".
func Parse(text string) ([]byte, error) {
	if _, after, found := strings.Cut(text, "="); found {
		text = after
	}
	b, err := hex.DecodeString(strings.ReplaceAll(text, ":", ""))
	if err != nil || len(b) != sha256.Size {
		return nil, fmt.Errorf("a SHA-256 fingerprint has %d pairs of hexadecimal digits", sha256.Size)
	}
	return b, nil
}
