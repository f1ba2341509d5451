// Package neterror describes what went wrong with a connection, in words for users. It is
// internal to kfgrab: all packages that use the network share its words.
//
// Call [Describe] for an error of package net or crypto/tls, or of a reader on top of
// them. It names no address, because callers put the URL before the text.
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

// Describe returns the cause of err in one line.
func Describe(err error) string {
	var proxy *ProxyError
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var errno syscall.Errno
	var timeout net.Error
	if errors.As(err, &proxy) {
		return proxy.Error()
	}
	if text := describeSOCKS(err); text != "" {
		return text
	}
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "no such host"
	case errors.As(err, &dns):
		return "name lookup failed: " + Line(dns.Err)
	case errors.As(err, &cert):
		return Line(cert.Err.Error())
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return "the server closed the connection too early"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timed out"
	}
	return Line(err.Error())
}

// maxLine bounds how much of a server's text is shown.
const maxLine = 200

// Line returns at most 200 bytes of [OneLine].
func Line(s string) string {
	s = OneLine(s)
	if len(s) > maxLine {
		s = strings.ToValidUTF8(s[:maxLine], "") + "…"
	}
	return s
}

// OneLine replaces white space and characters that cannot be printed by single
// spaces.
func OneLine(s string) string {
	words := strings.FieldsFunc(strings.ToValidUTF8(s, "�"), func(r rune) bool {
		return r == ' ' || !unicode.IsPrint(r)
	})
	return strings.Join(words, " ")
}
