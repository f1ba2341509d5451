package testmedia

import (
	"bytes"
	"io"
)

// WithoutKeyframes returns a copy of an H.264 stream whose NAL units of IDR
// pictures are filler data. Parameter sets stay.
func WithoutKeyframes(data []byte) []byte {
	data = bytes.Clone(data)
	for at := range data[:len(data)-4] {
		if data[at] == 0 && data[at+1] == 0 && data[at+2] == 1 && data[at+3]&0x1f == 5 {
			data[at+3] = 12
		}
	}
	return data
}

// Repeat returns a reader of size bytes: data, over and over.
func Repeat(data []byte, size int64) io.Reader {
	return io.LimitReader(&cycle{data: data}, size)
}

type cycle struct {
	data []byte
	at   int
}

func (c *cycle) Read(p []byte) (int, error) {
	if c.at == len(c.data) {
		c.at = 0
	}
	n := copy(p, c.data[c.at:])
	c.at += n
	return n, nil
}
