package file

import (
	"fmt"
	"time"

	"github.com/kfgrab/kfgrab/internal/sourcekind"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	// timeSlack allows for times that users give in milliseconds, because they are
	// printed so, while pictures lie between milliseconds. Package fmp4 has its own.
	timeSlack = time.Millisecond

	// endSlack is how far a time may lie beyond the end of the video: players show the
	// length of the sound, which often ends later, in whole seconds.
	endSlack = time.Second
)

// errUnknownEnd is for a time before the end of what is read forward only.
var errUnknownEnd = &sourcekind.Error{Option: "At", Reason: "a time before the end needs a file, or a server with range requests: the end is not known before it is read"}

// fromStart returns the time from the start that at means, which counts back from the
// end if it is negative.
func fromStart(at time.Duration, duration func() (time.Duration, error)) (time.Duration, error) {
	if at >= 0 {
		return at, nil
	}
	end, err := duration()
	if err != nil {
		return 0, err
	}
	if end+at < -endSlack {
		return 0, outsideError(end, "%s before the end", -at)
	}
	return max(end+at, 0), nil
}

// unlessBeyond returns f and err, which a search for the time at led to, unless r ends
// before that time.
func unlessBeyond(r interface{ SeenEnd() (time.Duration, bool) }, at time.Duration, f *keyframe.Frame, err error) (*keyframe.Frame, error) {
	if err != nil {
		return nil, err
	}
	if end, seen := r.SeenEnd(); seen && at > end+endSlack {
		return nil, outsideError(end, "%s from the start", at)
	}
	return f, nil
}

func outsideError(length time.Duration, format string, at time.Duration) error {
	where := fmt.Sprintf(format, units.FormatDuration(at))
	return &sourcekind.Error{Option: "At", Reason: fmt.Sprintf("%s is outside of the recording, which is %s long", where, units.FormatDuration(length.Round(10*time.Millisecond)))}
}

// checkKind checks the options when the format of in is known.
func (s *Source) checkKind(in *input, format Format) error {
	var kinds sourcekind.Set
	switch format {
	case TransportStream:
		kinds = sourcekind.TS
	case MP4:
		kinds = sourcekind.MP4
	case ByteStream:
		kinds = sourcekind.Raw
	}
	if s.opts.CheckKind == nil || kinds == 0 {
		return nil
	}
	return s.opts.CheckKind(kinds & s.access(in))
}

// access returns the kinds of sources that are read like in.
func (s *Source) access(in *input) sourcekind.Set {
	switch {
	case s.client != nil:
		return sourcekind.WebFile
	case in.at != nil:
		return sourcekind.Local
	case in.once:
		return sourcekind.Pipe
	}
	return sourcekind.Datagrams
}
