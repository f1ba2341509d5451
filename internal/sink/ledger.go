package sink

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A journal tells what has been written of one stream, a line for each step:
//
//	d "cam/2026-03-01"          this directory is about to be made
//	t "cam/…/.a.jpg.kfgrab" …   files of these names may be unfinished until the next t
//	+ 1772366400000 1772366400120 34567 "cam/…/a.jpg"
//	                            a picture: taken, modified (ms since 1970), bytes
//	- 512 3 103701              what is before byte 512 is deleted; 3 pictures are
//	                            left, of 103701 bytes
//
// Each is written before what it tells of, but for the last. Nothing is deleted that
// it does not tell of, or that has another size or time than it tells.

// entry is one written picture.
type entry struct {
	taken, modified int64 // milliseconds since 1970
	size            int64
	path            string // with slashes, in the directory
}

func (e entry) String() string {
	return fmt.Sprintf("+ %d %d %d %q\n", e.taken, e.modified, e.size, e.path)
}

// ledger is what the lines of a journal come to. Of the pictures, which may be a
// hundred thousand, it has only where in the journal they begin.
type ledger struct {
	size     int64 // of the journal's whole lines
	head     int64 // where what is not deleted begins
	count    int
	bytes    int64
	last     int64 // when the newest picture was taken
	setbacks []setback
	temps    []string
	dirs     []string // each as often as it was made
}

// setback is a picture that was taken before the one above it in the journal: a clock
// was set back, and those above are no younger than it. Their times increase.
type setback struct {
	offset int64
	taken  int64
}

const (
	maxLine  = 64 << 10 // of a path of 4096 bytes, each quoted as \x00, with room
	maxTemps = 2        // a picture and the newest's copy
)

// read takes the whole lines of a journal from r. What it cannot make out it passes
// over: those pictures are left alone then.
func (l *ledger) read(r io.Reader) error {
	lines := bufio.NewReaderSize(r, maxLine)
	at := l.size
	for {
		line, err := lines.ReadSlice('\n')
		at += int64(len(line))
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		default:
			l.apply(string(line))
			l.size = at
		}
	}
}

// apply takes the line that begins at l.size.
func (l *ledger) apply(line string) {
	kind, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	switch kind {
	case "+":
		if e, ok := parseEntry(rest); ok {
			l.add(e)
		}
	case "-":
		var head, count, bytes int64
		if n, err := fmt.Sscan(rest, &head, &count, &bytes); n == 3 && err == nil && head >= l.head && head <= l.size && count >= 0 && bytes >= 0 {
			l.head, l.count, l.bytes = head, int(count), bytes
			l.forget()
		}
	case "t":
		if paths, ok := parsePaths(rest); ok && len(paths) <= maxTemps {
			l.temps = paths
		}
	case "d":
		if paths, ok := parsePaths(rest); ok {
			l.dirs = append(l.dirs, paths...)
		}
	}
}

func (l *ledger) add(e entry) {
	if l.count > 0 && e.taken < l.last {
		kept := l.setbacks
		for len(kept) > 0 && kept[len(kept)-1].taken >= e.taken {
			kept = kept[:len(kept)-1]
		}
		l.setbacks = append(slices.Clone(kept), setback{l.size, e.taken})
	}
	l.last = e.taken
	l.count++
	l.bytes += e.size
}

// removed moves the head behind e, which ends at the byte next.
func (l *ledger) removed(e entry, next int64) {
	l.head = next
	l.count = max(l.count-1, 0)
	l.bytes = max(l.bytes-e.size, 0)
	l.forget()
}

// deleted is the line that tells of the head.
func deleted(l *ledger) string {
	return fmt.Sprintf("- %d %d %d\n", l.head, l.count, l.bytes)
}

// forget drops the setbacks that no picture is above of any more.
func (l *ledger) forget() {
	for len(l.setbacks) > 0 && l.setbacks[0].offset <= l.head {
		l.setbacks = l.setbacks[1:]
	}
}

// age is that of the picture at the head. Of one from the future the clock has been set
// back since: it is no younger than what was taken after it. Of another its own time
// holds: what has an earlier one behind it may be of a machine that began in 1970, and
// learnt the time later.
func (l *ledger) age(e entry, now time.Time) time.Duration {
	taken := e.taken
	if taken > now.UnixMilli() && len(l.setbacks) > 0 {
		taken = min(taken, l.setbacks[0].taken)
	}
	return now.Sub(time.UnixMilli(taken))
}

// entryOf returns the picture that a line tells of.
func entryOf(line []byte) (entry, bool) {
	rest, isEntry := strings.CutPrefix(strings.TrimSuffix(string(line), "\n"), "+ ")
	if !isEntry {
		return entry{}, false
	}
	return parseEntry(rest)
}

func parseEntry(text string) (e entry, ok bool) {
	fields := strings.SplitN(text, " ", 4)
	if len(fields) != 4 {
		return entry{}, false
	}
	for i, v := range []*int64{&e.taken, &e.modified, &e.size} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return entry{}, false
		}
		*v = n
	}
	paths, ok := parsePaths(fields[3])
	if !ok || len(paths) != 1 || e.size < 0 {
		return entry{}, false
	}
	e.path = paths[0]
	return e, true
}

// parsePaths reads quoted paths, which lead out of nowhere.
func parsePaths(text string) (paths []string, ok bool) {
	for text != "" {
		quoted, err := strconv.QuotedPrefix(text)
		if err != nil {
			return nil, false
		}
		p, err := strconv.Unquote(quoted)
		if err != nil || !filepath.IsLocal(filepath.FromSlash(p)) {
			return nil, false
		}
		paths = append(paths, p)
		text = strings.TrimPrefix(text[len(quoted):], " ")
	}
	return paths, len(paths) > 0
}

// quoted is the line of these paths.
func quoted(kind string, paths ...string) string {
	for _, p := range paths {
		kind += " " + strconv.Quote(p)
	}
	return kind + "\n"
}
