package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/kfgrab/kfgrab/picture"
)

// format is what the command writes: what package picture makes, or the report alone.
type format struct {
	picture.Format // AnnexB where json: it takes no decoder
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

// accessUnit says whether f holds coded video, which is there of keyframes alone.
func (f format) accessUnit() bool { return !f.json && !f.Format.Decoded() }

// chooseFormat follows --format, else the ending of the output's name, else is
// JPEG.
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
	return format{}, usageError(fmt.Errorf("no format has the ending %s; name one with --format: %s", ext, formatList))
}

func parseFormat(name string) (format, error) {
	if name == formatJSON.String() {
		return formatJSON, nil
	}
	f, err := picture.ParseFormat(name)
	if err != nil {
		return format{}, usageError(fmt.Errorf("--format %q is none of %s", name, formatList))
	}
	return format{Format: f}, nil
}
