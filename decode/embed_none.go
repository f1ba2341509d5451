//go:build !embedffmpeg || !linux || !(amd64 || arm64)

package decode

var embedded []byte
