package warm

import (
	"errors"
	"fmt"
	"testing"
)

// isABC accepts a format with one picture, "abc".
func isABC(b []byte) (bool, error) {
	if len(b) > 3 || string(b) != "abc"[:len(b)] {
		return false, errors.New("not abc")
	}
	return len(b) == 3, nil
}

// TestAnswer proves that a picture counts only after exactly the output that
// the package comment describes.
func TestAnswer(t *testing.T) {
	const size = "[graph @ 0x5] [info] Changing video frame properties; incoming frame - w: 16 h: 16"
	number := func(n int) string { return fmt.Sprintf("[info] %d.000000", n) }
	good := []string{number(3), size, number(4)}
	for _, c := range []struct {
		name    string
		picture string
		lines   []string
		settled bool
		ok      bool
	}{
		{"good", "abc", good, true, true},
		{"late washer before", "abc", append([]string{number(2)}, good...), true, true},
		{"late washer after", "abc", append(good[:3:3], size, number(5)), true, true},
		{"other lines", "abc", append([]string{"[h264 @ 0x5] [warning] hm", "not a log line"}, good...), true, true},
		{"nothing", "", nil, false, false},
		{"picture alone", "abc", nil, false, false},
		{"numbers alone", "", good, false, false},
		{"half a picture", "ab", good, false, false},
		{"two pictures", "abcabc", good, true, false},
		{"washer not seen", "abc", good[:2], false, false},
		{"washer without its size", "abc", []string{number(3), number(4)}, true, false},
		{"frame of another size", "abc", []string{size, number(3), size, number(4)}, true, false},
		{"washer alone", "abc", good[1:], true, false},
		{"frame twice", "abc", []string{number(3), number(3), size, number(4)}, true, false},
		{"number of another frame", "abc", []string{number(6)}, true, false},
		{"a fraction", "abc", []string{"[info] 3.500000"}, true, false},
		{"complaint about the frame", "abc", append([]string{"[h264 @ 0x5] [error] no"}, good...), true, false},
		{"concealed errors", "abc", append([]string{"[h264 @ 0x5] [info] concealing 5 DC errors"}, good...), true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := answer{maxSize: 100}
			a.beginFrame(numbersPerFrame, isABC)
			for _, b := range c.picture {
				a.addPicture([]byte(string(b)))
			}
			for _, line := range c.lines {
				a.addLine(line)
			}
			if settled := a.isSettled(); settled != c.settled {
				t.Errorf("settled: %v", settled)
			}
			if _, ok := a.endFrame(); ok != c.ok {
				t.Errorf("believed: %v", ok)
			}
		})
	}
}

// TestAnswerOutOfTurn proves that a process is replaced if it writes between
// two frames, or logs without end.
func TestAnswerOutOfTurn(t *testing.T) {
	for name, speak := range map[string]func(*answer){
		"picture": func(a *answer) { a.addPicture([]byte("a")) },
		"number":  func(a *answer) { a.addLine("[info] 3.000000") },
		"log":     func(a *answer) { a.addLogged(maxLog + 1) },
	} {
		a := answer{maxSize: 100}
		speak(&a)
		if !a.isSettled() {
			t.Errorf("a %s while nothing is asked is ignored", name)
		}
	}
}
