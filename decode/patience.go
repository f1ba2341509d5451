package decode

import (
	"fmt"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// patience is how long a process that stays up may take, which then is replaced by one
// that gets ten times as long.
func patience(pixels int) time.Duration {
	return time.Second + time.Duration(pixels)*250*time.Nanosecond
}

// pixelsOf is what there is to decode and to encode.
func pixelsOf(i keyframe.Info, o Output) int {
	w, h := o.Size(i)
	return i.CodedWidth*i.CodedHeight + w*h
}

func (d *Decoder) timeout(pixels int) time.Duration {
	if d.Timeout > 0 {
		return d.Timeout
	}
	return 10 * patience(pixels)
}

func hangs(timeout time.Duration) error {
	return fmt.Errorf("it had not finished after %v: it hangs, or the machine has too much to do", timeout)
}
