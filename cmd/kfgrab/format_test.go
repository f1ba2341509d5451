package main

import (
	"errors"
	"testing"

	"github.com/kfgrab/kfgrab"
)

func TestChooseFormat(t *testing.T) {
	for _, test := range []struct {
		flag, output string
		want         string // "" for a usage error
		ext          string
	}{
		{"", "", "jpeg", ".jpg"},
		{"", "-", "jpeg", ".jpg"},
		{"", "picture", "jpeg", ".jpg"},
		{"", "/dev/stdout", "jpeg", ".jpg"},
		{"", "/dev/shm.d/x.png", "jpeg", ".jpg"},
		{"", "a.jpg", "jpeg", ".jpg"},
		{"", "dir.png/a.JPEG", "jpeg", ".jpg"},
		{"", "a.png", "png", ".png"},
		{"", "a.webp", "webp", ".webp"},
		{"", "a.rgb", "rgb24", ".rgb"},
		{"", "a.rgb24", "rgb24", ".rgb"},
		{"", "a.h264", "annexb", ".h26x"},
		{"", "a.264", "annexb", ".h26x"},
		{"", "a.hevc", "annexb", ".h26x"},
		{"", "a.H265", "annexb", ".h26x"},
		{"", "a.mp4", "mp4", ".mp4"},
		{"", "a.m4v", "mp4", ".mp4"},
		{"", "a.json", "json", ".json"},
		{"", "a.gif", "", ""},
		{"", "a.ts", "", ""},
		{"", "a.", "", ""},
		{"png", "a.jpg", "", ""},
		{"png", "a.PNG", "png", ".png"},
		{"jpeg", "a.jpg", "jpeg", ".jpg"},
		{"png", "/dev/shm.d/x.jpg", "png", ".png"},
		{"jpg", "-", "jpeg", ".jpg"},
		{"JPEG", "", "jpeg", ".jpg"},
		{"rgb", "", "rgb24", ".rgb"},
		{"annexb", "a.gif", "annexb", ".h26x"},
		{"mp4", "", "mp4", ".mp4"},
		{"json", "a.jpg", "", ""},
		{"jpeg", "a.json", "", ""},
		{"bgr24", "a.rgb", "", ""},
		{"annexb", "a.mp4", "", ""},
		{"gif", "a.jpg", "", ""},
		{".jpg", "", "", ""},
	} {
		got, err := chooseFormat(test.flag, test.output)
		if (err != nil) != (test.want == "") || err == nil && (got.String() != test.want || got.Extension() != test.ext) {
			t.Errorf("--format %q -o %q: %v %q, %v", test.flag, test.output, got, got.Extension(), err)
		}
		if err != nil && !errors.Is(err, kfgrab.ErrUsage) {
			t.Errorf("--format %q -o %q: %v is no error of usage", test.flag, test.output, err)
		}
	}
}
