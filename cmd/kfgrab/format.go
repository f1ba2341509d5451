package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/kfgrab/kfgrab/picture"
)

// format is the format of the output: one of package picture, or only the report.
type format struct {
	picture.Format // AnnexB if json: it needs no decoder
	json           bool
}

var formatJSON = format{json: true, Format: picture.AnnexB}

const formatList = "jpeg, png, webp, rgb24, bgr24, annexb, mp4 or json"

func (f format) String() string {
	if f.json {
		return "json"
	}
	return f.Format.String()
}

func (f format) Extension() string {
	if f.json {
		return ".json"
	}
	return f.Format.Extension()
}

func (f format) Decoded() bool { return !f.json && f.Format.Decoded() }

// accessUnit reports whether f holds coded video, which a tile is not.
func (f format) accessUnit() bool { return !f.json && !f.Format.Decoded() }

// chooseFormat follows --format, else the extension of the output. The default is JPEG.
func chooseFormat(flag, output string) (format, error) {
	if flag != "" {
		return parseFormat(flag)
	}
	ext := strings.ToLower(filepath.Ext(output))

	switch {
	case output == "-" || ext == "" || strings.HasPrefix(output, "/dev/"):
		return format{}, nil
	case ext == formatJSON.Extension():
		return formatJSON, nil
	}
	if f, ok := picture.ByExtension(ext); ok {
		return format{Format: f}, nil
	}
	return format{}, usageError(fmt.Errorf("no format has the extension %s; name one with --format: %s", ext, formatList))
}

func parseFormat(name string) (format, error) {
	if name == formatJSON.String() {
		return formatJSON, nil
	}
	f, err := picture.ParseFormat(name)
	if err != nil {
		return format{}, usageError(fmt.Errorf("unknown format %q: want %s%s", name, formatList, nearestValue("format", name)))
	}
	return format{Format: f}, nil
}
