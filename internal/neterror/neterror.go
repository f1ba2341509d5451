// Package neterror describes what went wrong with a connection, in words for users. It is
// internal to kfgrab: all packages that use the network share its words.
//
// Call [Describe] for an error of package net or crypto/tls, or of a reader on top of
// them. It names no address, because callers put the URL before the text.
package neterror

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"unicode"
)

// Describe returns the cause of err in one line, and what to do about it.
func Describe(err error) string {
	var proxy *ProxyError
	if errors.As(err, &proxy) {
		return proxy.Error()
	}
	for _, describe := range []func(error) string{describeSOCKS, describeTLS, describeLookup} {
		if text := describe(err); text != "" {
			return text
		}
	}

	var address *net.AddrError
	var errno syscall.Errno
	var timeout net.Error
	switch {
	case errors.As(err, &address):
		return "invalid address: " + Line(address.Err)
	case errors.As(err, &errno):
		return describeSystem(errno)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed):
		return "the server closed the connection too early"
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timed out"
	}
	return Line(err.Error())
}

// describeLookup describes a failed lookup of a name. It returns "" for other errors.
func describeLookup(err error) string {
	var dns *net.DNSError
	switch {
	case !errors.As(err, &dns):
		return ""
	case dns.IsNotFound:
		return "no such host: check its name"
	case dns.IsTimeout:
		return "name lookup timed out: check the network and its DNS server"
	}
	return "name lookup failed: " + Line(dns.Err)
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
