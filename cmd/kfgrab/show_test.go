package main

import (
	"image"
	"image/color"
	"io"
	"strings"
	"testing"
)

func TestHalfBlocks(t *testing.T) {
	img := image.NewRGBA(image.Rect(5, 7, 7, 12)) // two columns, five rows: the last has no partner
	img.Set(5, 7, color.RGBA{255, 0, 0, 255})
	img.Set(6, 7, color.RGBA{0, 255, 0, 255})
	img.Set(5, 8, color.RGBA{0, 0, 255, 255})
	img.Set(6, 8, color.RGBA{1, 2, 3, 255})
	var b strings.Builder
	if err := writeHalfBlocks(&b, img); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	want := "\x1b[38;2;255;0;0m\x1b[48;2;0;0;255m▀\x1b[38;2;0;255;0m\x1b[48;2;1;2;3m▀\x1b[0m"
	if len(lines) != 3 || lines[0] != want || lines[2] != "" {
		t.Errorf("%q", lines)
	}
	if err := writeHalfBlocks(failing{io.ErrShortWrite}, img); err != io.ErrShortWrite {
		t.Errorf("%v", err)
	}
}
