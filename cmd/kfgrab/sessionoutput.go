package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/kfgrab/kfgrab/decode"
)

// followEnding takes the order of bytes from the ending of the output, unless --pix-fmt
// gave it. It refuses endings of files that are not raw video.
func (f *sessionFlags) followEnding(formatGiven bool) error {
	ext := strings.ToLower(filepath.Ext(f.output))
	if f.output == "-" || ext == "" || ext == ".raw" || strings.HasPrefix(f.output, "/dev/") {
		return nil
	}

	named, known := decode.ByExtension(ext)
	switch {
	case !known || (named != decode.RGB24 && named != decode.BGR24):
		return usageError(fmt.Errorf("a session writes raw video, not %s: name a file that ends in .rgb, .bgr or .raw", ext))
	case formatGiven && f.format != named:
		return usageError(fmt.Errorf("--pix-fmt %v and the ending %s contradict each other", f.format, ext))
	}
	f.format = named
	return nil
}
