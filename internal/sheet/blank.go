package sheet

import (
	"context"
	"image"
	"slices"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
)

// isBlank reports whether p shows nothing. It is false without a picture.
func (p *pixels) isBlank() bool {
	if p == nil {
		return false
	}
	img := image.NewRGBA(image.Rect(0, 0, p.width, p.height))
	p.copyTo(img, image.Point{})
	return picture.Blank(img)
}

// replaceBlanks looks for other keyframes in the stretches whose pictures are blank. The
// tries divide a stretch into equal parts.
func (m *making) replaceBlanks(ctx context.Context, line *kfgrab.Timeline) error {
	if m.options.Tries < 2 {
		return nil
	}
	m.sortShots()
	var dark []*shot
	for i := range m.shots {
		if m.shots[i].picture.isBlank() {
			dark = append(dark, &m.shots[i])
		}
	}

	for try := 1; try < m.options.Tries && len(dark) > 0; try++ {
		times := make([]time.Duration, len(dark))
		for i, s := range dark {
			times[i] = m.timeOfTry(s, try)
		}
		err := line.Keyframes(ctx, times, m.options.Parallel, func(found keyframe.Moment) { m.replaceShots(ctx, dark, found) })
		if err != nil {
			return err
		}
		dark = slices.DeleteFunc(dark, func(s *shot) bool { return !s.picture.isBlank() })
	}
	return nil
}

// timeOfTry returns where in the stretches of s to look for another keyframe.
func (m *making) timeOfTry(s *shot, try int) time.Duration {
	from, to := m.stretches[s.moment.Times[0]].from, m.stretches[slices.Max(s.moment.Times)].to
	return from + partOf(to-from, try, m.options.Tries)
}

// replaceShots puts a keyframe that is not blank in the place of blank ones. Several
// calls run at the same time, for different shots.
func (m *making) replaceShots(ctx context.Context, dark []*shot, found keyframe.Moment) {
	if found.Err != nil || found.At == dark[found.Times[0]].moment.At {
		return
	}
	p, err := m.decodeFrame(ctx, found.Frame)
	if err != nil || p.isBlank() {
		return
	}
	for _, i := range found.Times {
		dark[i].picture, dark[i].moment.At = p, found.At
	}
}
