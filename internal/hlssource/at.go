package hlssource

import (
	"fmt"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/sourcekind"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	// timeSlack allows for times that are given and printed in milliseconds, while
	// pictures lie between milliseconds.
	timeSlack = time.Millisecond

	// endSlack is how far a time may lie outside of what a playlist lists: durations
	// are rounded (RFC 8216 4.3.2.1), some to whole seconds.
	endSlack = time.Second
)

// checkPlaylist returns an error if the options cannot be honoured in media.
func (g *grab) checkPlaylist(media *hls.Media) error {
	kinds := sourcekind.RecordedHLS
	if media.Live {
		kinds = sourcekind.LiveHLS
	}
	if err := g.checkKind(kinds); err != nil {
		return err
	}

	switch name := g.want.Rendition.String(); {
	case g.master != nil, name == "", name == "best", name == "worst", name == "0":
		return nil
	default:
		return &sourcekind.Error{Option: "Rendition", Reason: fmt.Sprintf("there is no rendition %s to choose: this is the playlist of one rendition, not of all", name)}
	}
}

func (o *opener) checkKind(kinds sourcekind.Set) error {
	if o.opts.CheckKind == nil {
		return nil
	}
	return o.opts.CheckKind(kinds)
}

// wantedTime returns the time from the beginning of media up to which the last keyframe
// is wanted; wanted is false if the options ask for none.
func (g *grab) wantedTime(media *hls.Media) (until time.Duration, wanted bool, err error) {
	at, clock := g.want.At, g.want.AtClock
	byClock := !clock.IsZero() && (at == 0 || (media.Live && hasClock(media)))
	switch {
	case len(media.Segments) == 0:
		return 0, false, nil
	case byClock:
		until, err = clockOffset(media, clock)
	case at != 0:
		until, err = offsetFromStart(media, at)
	case g.want.Edge == hls.EdgeLast && !media.Live:
		until = listedLength(media)
	default:
		return 0, false, nil
	}

	if err != nil && g.variant != g.chosen {
		// The playlist of the variant may list more than that of its I-frames or images.
		err = fmt.Errorf("%w: %w", keyframe.ErrNotFound, &tooShortError{err.Error()})
	}
	return until + timeSlack, err == nil, err
}

// tooShortError is why a playlist of I-frames or images has no keyframe of a time.
type tooShortError struct{ text string }

func (e *tooShortError) Error() string { return e.text }

func hasClock(m *hls.Media) bool { return !m.Segments[0].ProgramDateTime.IsZero() }

// listedLength returns the duration of all segments.
func listedLength(m *hls.Media) time.Duration {
	last := &m.Segments[len(m.Segments)-1]
	return last.Start + last.Duration
}

// offsetFromStart returns the time from the beginning of m that at means, which counts
// back from the end if it is negative.
func offsetFromStart(m *hls.Media, at time.Duration) (time.Duration, error) {
	length, from := listedLength(m), at
	if at < 0 {
		from = length + at
	}
	if from >= -endSlack && from <= length+endSlack {
		return max(from, 0), nil
	}

	what, where := "the recording, which is", units.FormatDuration(at.Abs())+" from the start"
	if at < 0 {
		where = units.FormatDuration(at.Abs()) + " before the end"
	}
	if m.Live {
		what = "the live window, which is"
	}
	return 0, &sourcekind.Error{Option: "At", Reason: fmt.Sprintf("%s is outside of %s %s long", where, what, units.FormatDuration(length.Round(10*time.Millisecond)))}
}

// clockOffset returns the time from the beginning of m at which its clock shows t. If
// the clock jumps over t, it is the end of the segment before the jump.
func clockOffset(m *hls.Media, t time.Time) (time.Duration, error) {
	if !hasClock(m) {
		return 0, &sourcekind.Error{Option: "AtClock", Reason: "the playlist has no times of day (EXT-X-PROGRAM-DATE-TIME)"}
	}
	first, last := m.Segments[0].ProgramDateTime, &m.Segments[len(m.Segments)-1]
	end := last.ProgramDateTime.Add(last.Duration)
	if t.Before(first.Add(-endSlack)) || t.After(end.Add(endSlack)) {
		return 0, &sourcekind.Error{Option: "AtClock", Reason: fmt.Sprintf("%s is outside of what the playlist lists, %s to %s", units.FormatTimestamp(t), units.FormatTimestamp(first), units.FormatTimestamp(end))}
	}

	for i := len(m.Segments) - 1; i >= 0; i-- {
		seg := &m.Segments[i]
		if since := t.Sub(seg.ProgramDateTime); since >= 0 {
			return seg.Start + min(since, seg.Duration-2*timeSlack), nil
		}
	}
	return 0, nil
}
