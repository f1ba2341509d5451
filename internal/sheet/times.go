package sheet

import (
	"fmt"
	"time"

	"github.com/kfgrab/kfgrab"
)

// stretch is a part of the stream, which the picture at the time at represents.
type stretch struct{ from, to, at time.Duration }

// divideTime divides the part after o.From of a stream of that length. The error wraps
// kfgrab.ErrUsage.
func (o *Options) divideTime(length time.Duration) ([]stretch, error) {
	rest := length - o.From
	if rest <= 0 && o.From > 0 {
		return nil, fmt.Errorf("%w: the sheet would begin at %v, but the stream is only %v long", kfgrab.ErrUsage, o.From, length)
	}
	if rest <= 0 {
		return []stretch{{}}, nil // of one picture
	}

	n := o.Count
	if o.Every > 0 {
		if pictures := (rest-1)/o.Every + 1; pictures > MaxCount {
			return nil, fmt.Errorf("%w: one picture every %v of %v makes %d pictures; a sheet holds at most %d", kfgrab.ErrUsage, o.Every, rest, pictures, MaxCount)
		}
		n = int((rest-1)/o.Every) + 1
	}

	list := make([]stretch, n)
	for i := range list {
		s := &list[i]
		if o.Every > 0 {
			s.from = o.From + time.Duration(i)*o.Every
			s.to, s.at = min(s.from+o.Every, length), s.from
			continue
		}
		s.from, s.to = o.From+partOf(rest, i, n), o.From+partOf(rest, i+1, n)
		s.at = s.from + (s.to-s.from)/2
	}
	return list, nil
}

// partOf returns i n-ths of d, without overflow.
func partOf(d time.Duration, i, n int) time.Duration {
	return d/time.Duration(n)*time.Duration(i) + d%time.Duration(n)*time.Duration(i)/time.Duration(n)
}
