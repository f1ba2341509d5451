package neterror

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"time"
)

// describeTLS describes an error of crypto/tls or crypto/x509. It returns "" for others.
func describeTLS(err error) string {
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &cert):
		return describeCertificate(cert.Err)
	case errors.As(err, &record):
		return "the server does not speak TLS at this port: http:// instead of https://, or rtsp:// instead of rtsps://?"
	}

	for one := err; one != nil; one = errors.Unwrap(one) {
		if alert, ok := one.(*net.OpError); ok && alert.Op == "remote error" {
			return describeAlert(alert.Err)
		}
		if text, found := strings.CutPrefix(one.Error(), "tls: "); found {
			return "TLS failed: " + Line(text)
		}
	}
	return ""
}

// describeAlert describes an alert that ended the handshake (RFC 8446 6.2). crypto/tls
// has no type for it.
func describeAlert(alert error) string {
	switch text := strings.TrimPrefix(alert.Error(), "tls: "); text {
	case "protocol version not supported":
		return "the server has no TLS 1.2 or later"
	case "handshake failure", "insufficient security level":
		return "the server accepts none of the TLS ciphers, or wants a client certificate, which kfgrab has not"
	case "bad certificate", "certificate required", "unknown certificate authority":
		return "the server wants a client certificate, which kfgrab has not"
	case "unrecognized name":
		return "the server has no certificate for this host name: check the name"
	default:
		return "the server ended the TLS handshake: " + Line(text)
	}
}

// maxNames is how many of a certificate's names are listed.
const maxNames = 3

// describeCertificate describes why a certificate was refused.
func describeCertificate(err error) string {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var roots x509.SystemRootsError
	switch {
	case errors.As(err, &authority) && authority.Cert != nil && authority.Cert.Issuer.String() == authority.Cert.Subject.String():
		return "the server's certificate is self-signed"
	case errors.As(err, &authority):
		return "the server's certificate is signed by an unknown authority"
	case errors.As(err, &host):
		return "the server's certificate is for " + listNames(host.Certificate) + ", not for " + Line(host.Host)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return describeValidity(invalid.Cert)
	case errors.As(err, &roots):
		return "this system has no certificate authorities: install ca-certificates"
	}
	return "the server's certificate is not valid: " + Line(strings.TrimPrefix(err.Error(), "x509: "))
}

// listNames lists the hosts that a certificate is for.
func listNames(cert *x509.Certificate) string {
	names := append([]string{}, cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}

	switch {
	case len(names) == 0:
		return "no host"
	case len(names) > maxNames:
		names = append(names[:maxNames], "…")
	}
	return Line(strings.Join(names, ", "))
}

func describeValidity(cert *x509.Certificate) string {
	const day = "2006-01-02"
	if time.Now().Before(cert.NotBefore) {
		return "the server's certificate is valid only from " + cert.NotBefore.UTC().Format(day) + ": check this machine's clock"
	}
	return "the server's certificate expired on " + cert.NotAfter.UTC().Format(day)
}
