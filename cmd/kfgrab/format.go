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
// An extension of another format than --format is an error.
func chooseFormat(flag, output string) (format, error) {
	ext := strings.ToLower(filepath.Ext(output))
	if output == "-" || strings.HasPrefix(output, "/dev/") {
		ext = ""
	}
	named, known := formatByExtension(ext)

	if flag != "" {
		f, err := parseFormat(flag)
		if err == nil && known && named != f {
			err = usageError(fmt.Errorf("--format %v contradicts the extension of %s, which is one of %v: change either", f, output, named))
		}
		return f, err
	}
	if ext != "" && !known {
		return format{}, usageError(fmt.Errorf("no format has the extension %s; name one with --format: %s", ext, formatList))
	}
	return named, nil
}

// formatByExtension returns the format of an extension in lower case.
func formatByExtension(ext string) (format, bool) {
	if ext == formatJSON.Extension() {
		return formatJSON, true
	}
	f, known := picture.ByExtension(ext)
	return format{Format: f}, known
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
