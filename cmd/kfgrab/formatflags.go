package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab/internal/sourcekind"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
)

// formatFlags are the flags that not every format honours. Flags that leave something
// out of a picture suit formats that never had it. The size suits every format as far as
// it chooses a rendition: see checkSizeFlags.
var formatFlags = []struct {
	flag   string
	suits  func(format) bool
	shown  bool // it also suits what --show draws
	reason string
}{
	{"quality", hasQuality, false, "is for jpeg and webp, not for %v"},
	{"overlay", hasCaption, false, "is for jpeg and png, not for %v"},
	{"fit", format.Decoded, true, "is for pictures, which are scaled; %v is not"},
	{"crop", format.Decoded, true, "is for pictures, which are decoded; %v is not"},
	{"deinterlace", format.Decoded, true, "is for pictures, which are decoded; %v is not"},
	{"max-pixels", format.Decoded, true, "is for pictures, which are decoded; %v is not"},
	{"deterministic", isFileOfStream, false, "leaves times out of pictures; %v has them"},
	{"no-metadata", isFileOfStream, false, "leaves metadata out of pictures; %v is nothing else"},
	{"allow-tiles", isNoAccessUnit, false, "does not suit --format %v, which holds a keyframe: a tile is none"},
}

func hasQuality(f format) bool {
	return !f.json && (f.Format == picture.JPEG || f.Format == picture.WebP)
}

func hasCaption(f format) bool {
	return !f.json && (f.Format == picture.JPEG || f.Format == picture.PNG)
}

func isFileOfStream(f format) bool { return !f.json }
func isNoAccessUnit(f format) bool { return !f.accessUnit() }

// checkFormatFlags returns an error if a flag was given that the format does not
// honour.
func checkFormatFlags(flags *pflag.FlagSet, f format, show bool) error {
	if flag := flags.Lookup("quality"); flag.Changed && flag.Value.String() == "0" {
		return usageError(errors.New("--quality must be from 1 to 100"))
	}
	for _, row := range formatFlags {
		flag := flags.Lookup(row.flag)
		if flag.Changed && flag.Value.String() != "false" && !row.suits(f) && !(row.shown && show) {
			return usageError(fmt.Errorf("--%s "+row.reason, row.flag, f))
		}
	}
	return nil
}

// checkSizeFlags returns an error if a size was given for a keyframe that is neither
// decoded nor chosen from renditions.
func checkSizeFlags(flags *pflag.FlagSet, f format, show bool, rawURL string) error {
	kinds := kindsOf(rawURL)
	if f.Decoded() || show || kinds == 0 || kinds&sourcekind.HLS != 0 {
		return nil
	}
	for _, name := range []string{"width", "height", "size"} {
		if flags.Changed(name) {
			return usageError(fmt.Errorf("--%s scales pictures and chooses renditions of HLS; --format %v of this stream has neither", name, f))
		}
	}
	return nil
}

// codecOfName returns the codec that the extension of a file promises; UnknownCodec if it
// promises none.
func codecOfName(name string) keyframe.Codec {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".h264", ".264", ".avc":
		return keyframe.H264
	case ".h265", ".265", ".hevc":
		return keyframe.H265
	}
	return keyframe.UnknownCodec
}

// namedCodec returns the codec that is wanted: that of --codec or, for annexb, the one
// that the extension of the file promises.
func (f *pictureFlags) namedCodec(chosen format) (keyframe.Codec, error) {
	asked, promised := f.rendition.codec, keyframe.UnknownCodec
	if chosen.accessUnit() && chosen.Format == picture.AnnexB {
		promised = codecOfName(f.output)
	}
	switch {
	case promised == keyframe.UnknownCodec:
		return asked, nil
	case asked == keyframe.UnknownCodec || asked == promised:
		return promised, nil
	}
	return 0, usageError(fmt.Errorf("%s is the name of a file of %v, and --codec asks for %v", f.output, promised, asked))
}

// explainCodec makes an error of usage of one about the codec, if the file's extension
// asked for it.
func (f *pictureFlags) explainCodec(err error) error {
	var other *sourcekind.CodecError
	if !errors.As(err, &other) || f.rendition.codec != keyframe.UnknownCodec {
		return err
	}
	return usageError(fmt.Errorf("-o %s: %w; another extension, or --format mp4, takes any codec", f.output, err))
}
