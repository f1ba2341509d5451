package warm

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/kfgrab/kfgrab/decode/internal/ffmpeg"
)

// maxLog bounds what a process may print for one frame: some lines, if all is well.
const maxLog = 1 << 20

// answer judges what a process writes: see "What is expected back" in the package
// comment. It lives as long as the process.
type answer struct {
	isWhole func([]byte) (bool, error) // nil while no frame is asked for
	maxSize int                        // of the picture, in bytes
	number  uint64                     // of the frame

	picture    []byte
	pictureEnd bool // the picture is whole
	frameSeen  bool // the frame's number was printed
	washerSeen bool // the first washer's number was printed
	logged     int  // bytes of log

	sizeDiffers bool // the picture whose number is printed next has another size than the first
	broken      bool // the process cannot be trusted any more
}

// beginFrame starts the answer to the next frame.
func (a *answer) beginFrame(number uint64, isWhole func([]byte) (bool, error)) {
	a.isWhole, a.number = isWhole, number
	a.picture = a.picture[:0]
	a.pictureEnd, a.frameSeen, a.washerSeen = false, false, false
	a.logged = 0
}

// endFrame returns the picture. ok is false if it cannot be trusted. From now on the
// process must be silent.
func (a *answer) endFrame() (picture []byte, ok bool) {
	a.isWhole = nil
	return a.picture, a.isComplete() && a.frameSeen && !a.broken
}

// isComplete reports whether the process has written everything that a frame leads to.
func (a *answer) isComplete() bool { return a.washerSeen && a.pictureEnd }

// isSettled reports whether there is nothing to wait for.
func (a *answer) isSettled() bool { return a.broken || a.isComplete() }

// addPicture takes a piece of standard output.
func (a *answer) addPicture(b []byte) {
	if a.broken || a.isWhole == nil || a.pictureEnd || len(a.picture)+len(b) > a.maxSize {
		a.broken = true
		return
	}

	a.picture = append(a.picture, b...)
	var err error
	a.pictureEnd, err = a.isWhole(a.picture)
	a.broken = err != nil
}

// addLogged counts bytes of standard error.
func (a *answer) addLogged(n int) {
	a.logged += n
	a.broken = a.broken || a.logged > maxLog
}

// addLine takes a line of standard error. Complaints about a picture, and the message
// about its size, come before its number.
func (a *answer) addLine(line string) {
	m, ok := ffmpeg.ParseMessage(line)
	if !ok {
		return
	}

	switch {
	case m.IsError(), strings.HasPrefix(m.Text, "concealing "):
		a.broken = true
	case strings.Contains(m.Text, "incoming frame - w: "):
		a.sizeDiffers = true
	case printedNumber.MatchString(m.Text):
		number, err := strconv.ParseUint(strings.TrimSuffix(m.Text, ".000000"), 10, 64)
		a.broken = a.broken || err != nil || !a.isExpected(number)
		a.sizeDiffers = false
	}
}

// printedNumber is the output of ffmpeg's print, which names no speaker.
var printedNumber = regexp.MustCompile(`^\d+\.\d{6}$`)

// isExpected notes that the picture of that number left the decoder, and reports
// whether that was its turn.
func (a *answer) isExpected(number uint64) bool {
	switch {
	case number%numbersPerFrame == lateWasher:
		return true
	case a.isWhole == nil || a.washerSeen:
		return false
	case number == a.number && !a.frameSeen:
		a.frameSeen = true
		return !a.sizeDiffers
	}
	a.washerSeen = true
	return number == a.number+firstWasher && a.frameSeen && a.sizeDiffers
}
