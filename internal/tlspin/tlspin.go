// Package tlspin trusts a TLS server by the fingerprint of its certificate.
//
// Call [Apply] on the configuration of a client that was given a fingerprint.
package tlspin

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"strings"
)

// Apply has the server's own certificate compared with fingerprint, its SHA-256,
// in place of every other check: authorities, names and dates. Nothing is changed
// where fingerprint is empty.
func Apply(c *tls.Config, fingerprint []byte) {
	if len(fingerprint) == 0 {
		return
	}
	c.InsecureSkipVerify = true // VerifyConnection does it
	c.VerifyConnection = func(state tls.ConnectionState) error {
		got := sha256.Sum256(state.PeerCertificates[0].Raw)
		if !bytes.Equal(got[:], fingerprint) {
			return &Error{Got: got[:]}
		}
		return nil
	}
}

// Error is a certificate of another fingerprint.
type Error struct{ Got []byte }

// Error shows the fingerprint of the certificate that came.
func (e *Error) Error() string {
	return "the server's certificate is another: its SHA-256 fingerprint is " + Format(e.Got)
}

// Format writes a fingerprint as openssl x509 -fingerprint -sha256 does.
func Format(fingerprint []byte) string {
	var pairs []string
	for _, b := range fingerprint {
		pairs = append(pairs, fmt.Sprintf("%02X", b))
	}
	return strings.Join(pairs, ":")
}

// Parse reads 32 bytes in hexadecimal digits, with or without colons, and with or
// without openssl's "sha256 Fingerprint=" in front.
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
