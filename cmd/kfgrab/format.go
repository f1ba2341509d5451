package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/kfgrab/kfgrab/decode"
)

// format is what is written: a picture, or one of those that need no decoder.
type format struct {
	name    string
	ext     string
	picture decode.Format // where decoded
	decoded bool
}

// The formats that need no decoder.
var (
	formatAnnexB = format{name: "annexb", ext: ".h26x"}
	formatMP4    = format{name: "mp4", ext: ".mp4"}
	formatJSON   = format{name: "json", ext: ".json"}
)

// accessUnit says whether f holds coded video, which is there of keyframes alone.
func (f format) accessUnit() bool { return f == formatAnnexB || f == formatMP4 }

const formatList = "jpeg, png, webp, rgb24, bgr24, annexb, mp4 or json"

func pictureFormat(f decode.Format) format {
	return format{name: f.String(), ext: f.Extension(), picture: f, decoded: true}
}

// chooseFormat follows --format, else the ending of the output's name, else is
// JPEG.
func chooseFormat(flag, output string) (format, error) {
	if flag != "" {
		return parseFormat(flag)
	}
	ext := strings.ToLower(filepath.Ext(output))
	if output == "-" || ext == "" || strings.HasPrefix(output, "/dev/") {
		return pictureFormat(decode.JPEG), nil
	}
	switch ext {
	case ".h264", ".264", ".avc", ".h265", ".265", ".hevc", ".h26x", ".annexb":
		return formatAnnexB, nil
	case ".mp4", ".m4v":
		return formatMP4, nil
	case ".json":
		return formatJSON, nil
	}
	if f, ok := decode.ByExtension(ext); ok {
		return pictureFormat(f), nil
	}
	return format{}, usageError(fmt.Errorf("no format has the ending %s; name one with --format: %s", ext, formatList))
}

func parseFormat(name string) (format, error) {
	switch name {
	case "annexb":
		return formatAnnexB, nil
	case "mp4":
		return formatMP4, nil
	case "json":
		return formatJSON, nil
	}
	f, err := decode.ParseFormat(name)
	if err != nil {
		return format{}, usageError(fmt.Errorf("--format %q is none of %s", name, formatList))
	}
	return pictureFormat(f), nil
}
