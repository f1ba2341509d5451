package sheet

import (
	"bufio"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"time"
)

// WriteVTT writes a WebVTT file (W3C WebVTT 4.1). For every part of the stream, a cue
// names its tile: the path of the image, relative to the file's directory, with a
// spatial fragment (W3C Media Fragments 4.2.2). An empty tile has no cue.
func (s *Sheet) WriteVTT(w io.Writer, image string) error {
	out := bufio.NewWriter(w)
	name := (&url.URL{Path: filepath.ToSlash(image)}).EscapedPath()
	fmt.Fprint(out, "WEBVTT\n")

	for _, t := range s.Tiles {
		if t.Err != nil {
			continue
		}
		size := t.Rect.Size()
		fmt.Fprintf(out, "\n%s --> %s\n%s#xywh=%d,%d,%d,%d\n", formatClock(t.From), formatClock(t.To), name, t.Rect.Min.X, t.Rect.Min.Y, size.X, size.Y)
	}

	return out.Flush()
}

// formatClock writes a time in the notation of WebVTT.
func formatClock(d time.Duration) string {
	ms := d.Round(time.Millisecond).Milliseconds()
	return fmt.Sprintf("%02d:%02d:%02d.%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, ms%1000)
}
