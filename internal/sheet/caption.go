package sheet

import (
	"fmt"
	"image/draw"
	"slices"
	"time"

	"github.com/kfgrab/kfgrab/internal/overlay"
)

// drawTimes writes the time of its picture into each tile, unless that is empty.
func (s *Sheet) drawTimes() error {
	var shown []time.Duration
	for _, t := range s.Tiles {
		if t.Err == nil {
			shown = append(shown, t.At)
		}
	}
	tenths := shareSecond(shown)

	for _, t := range s.Tiles {
		if t.Err != nil {
			continue
		}
		tile := s.Image.SubImage(t.Rect).(draw.Image)
		if err := overlay.Draw(tile, []string{captionTime(t.At, tenths)}); err != nil {
			return err
		}
	}
	return nil
}

// shareSecond reports whether two of the times lie in the same second.
func shareSecond(times []time.Duration) bool {
	seconds := make([]time.Duration, len(times))
	for i, t := range times {
		seconds[i] = t.Truncate(time.Second)
	}
	slices.Sort(seconds)
	return len(slices.Compact(seconds)) < len(times)
}

// captionTime writes a time as players show it: 1:05, or 1:02:05 after an hour.
func captionTime(t time.Duration, tenths bool) string {
	t = max(0, t+time.Millisecond/2)
	h, m, s := int(t.Hours()), int(t.Minutes())%60, int(t.Seconds())%60
	text := fmt.Sprintf("%d:%02d", m, s)
	if h > 0 {
		text = fmt.Sprintf("%d:%02d:%02d", h, m, s)
	}
	if tenths {
		text += fmt.Sprintf(".%d", t.Milliseconds()/100%10)
	}
	return text
}
