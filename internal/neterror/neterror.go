// Package neterror says what went wrong with a connection, in words for the
// person who asked for it.
//
// Call [Describe] for an error of package net, crypto/tls or of what reads from
// them. It names no address: those who show the text show the URL before it.
package neterror

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"unicode"
)

// Describe returns one line.
func Describe(err error) string {
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var errno syscall.Errno
	var timeout net.Error
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "no such host"
	case errors.As(err, &dns):
		return "name lookup failed: " + Line(dns.Err)
	case errors.As(err, &cert):
		return Line(cert.Err.Error()) + " (--ca FILE trusts its authority, --insecure any)"
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return "the server closed the connection too early"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timed out"
	}
	return Line(err.Error())
}

// maxLine bounds what of a foreign text is shown.
const maxLine = 200

// Line makes a foreign text fit for one line of at most 200 bytes.
func Line(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
	if len(s) > maxLine {
		s = strings.ToValidUTF8(s[:maxLine], "") + "…"
	}
	return s
}
