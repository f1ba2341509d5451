package sink

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab/internal/atomicfile"
	"github.com/kfgrab/kfgrab/internal/lockfile"
)

// The journal of a stream records what was written, a line for each step:
//
//	d "cam/2026-03-01"          this directory is about to be made
//	t "cam/…/.a.jpg.kfgrab" …   files of these names may be unfinished until the next t
//	+ 1772366400000 1772366400120 34567 "cam/…/a.jpg"
//	                            a picture: taken, modified (ms since 1970), bytes
//	- 512 3 103701              everything before byte 512 is deleted; 3 pictures are
//	                            left, of 103701 bytes
//
// Each line except the last kind is written before its step. The sink deletes only
// files that are in the journal and still have the size and time that it gives.

// compactAbove is the size below which a journal is not rewritten: it is read at once.
const compactAbove = 64 << 10

const (
	maxLine  = 64 << 10 // a path of 4096 bytes, each quoted as \x00, with room
	maxTemps = 2        // a picture and the newest picture's copy
)

// journal is the file of a ledger. It is open only while a picture of its stream is
// written, because there may be a thousand streams.
type journal struct {
	mu       sync.Mutex // held while the stream's files change
	path     string
	keep     Retention
	retained bool // keep is from Retain; Put does not change it
	used     bool // Put or Retain has named the stream
	file     *os.File
	ledger
}

// openFile opens the journal and creates it if necessary. If the file has changed, as
// after the directory was deleted, openFile reads it again.
func (j *journal) openFile() error {
	if err := os.MkdirAll(filepath.Dir(j.path), 0o755); err != nil {
		return err
	}
	file, err := lockfile.Open(j.path)
	if err != nil {
		return err
	}

	j.file = file
	info, err := file.Stat()
	if err == nil && info.Size() != j.size {
		err = j.rereadFile()
	}
	if err != nil {
		j.closeFile()
	}
	return err
}

func (j *journal) closeFile() {
	j.file.Close()
	j.file = nil
}

// rereadFile reads the journal from its start and cuts off an incomplete last line.
func (j *journal) rereadFile() error {
	j.ledger = ledger{}
	if _, err := j.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := j.readLines(j.file); err != nil {
		return err
	}
	return j.file.Truncate(j.size)
}

// appendLine appends a line. After an error, such as a full disk, nothing is appended.
func (j *journal) appendLine(line string) error {
	if _, err := j.file.WriteAt([]byte(line), j.size); err != nil {
		j.file.Truncate(j.size)
		return err
	}
	j.applyLine(line)
	j.size += int64(len(line))
	return nil
}

// rollBack removes what was appended since before.
func (j *journal) rollBack(before ledger) {
	if j.file.Truncate(before.size) == nil {
		j.ledger = before
	}
}

// compactFile rewrites the journal without the deleted pictures, once they are most of
// it; the next openFile reads it again. After a failure it stays as it was.
func (j *journal) compactFile(isOurs func(dir string) bool) {
	if j.head < compactAbove || j.head < j.size/2 {
		return
	}
	f, err := atomicfile.CreateAs(j.path, j.path+newSuffix)
	if err != nil {
		return
	}
	defer f.Discard()
	if err := j.copyLive(f, isOurs); err == nil && f.Commit() == nil {
		j.size = -1
	}
}

// copyLive writes the lines of the existing directories and pictures.
func (j *journal) copyLive(w io.Writer, isOurs func(dir string) bool) error {
	out := bufio.NewWriter(w)
	written := map[string]bool{}
	for _, dir := range j.dirs {
		if !written[dir] && isOurs(dir) {
			out.WriteString(pathLine("d", dir))
		}
		written[dir] = true
	}

	lines := bufio.NewReaderSize(j.headReader(), maxLine)
	for {
		line, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err == io.EOF:
			return out.Flush()
		case err != nil:
			return err
		case line[0] == '+':
			out.Write(line)
		}
	}
}

func (j *journal) headReader() io.Reader {
	return io.NewSectionReader(j.file, j.head, j.size-j.head)
}

// ledger is the sum of a journal's lines. It does not hold the pictures, which may be
// a hundred thousand, but where in the journal they begin.
type ledger struct {
	size     int64 // of the journal's complete lines
	head     int64 // where the pictures begin that are not deleted
	count    int
	bytes    int64
	last     int64 // when the newest picture was taken
	setbacks []setback
	temps    []string
	dirs     []string // a directory that was made twice is here twice
}

// setback is a picture that was taken before the previous one in the journal: the clock
// was set back, and the pictures above are at least as old. The times of a ledger's
// setbacks increase.
type setback struct {
	offset int64
	taken  int64
}

// readLines reads the complete lines of a journal from r. It skips lines that it does
// not understand, whose pictures are then never deleted.
func (l *ledger) readLines(r io.Reader) error {
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
			l.applyLine(string(line))
			l.size = at
		}
	}
}

// applyLine updates l for the line that begins at l.size.
func (l *ledger) applyLine(line string) {
	kind, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	switch kind {
	case "+":
		if e, ok := parseEntry(rest); ok {
			l.addEntry(e)
		}
	case "-":
		var head, count, bytes int64
		n, err := fmt.Sscan(rest, &head, &count, &bytes)
		if n == 3 && err == nil && head >= l.head && head <= l.size && count >= 0 && bytes >= 0 {
			l.head, l.count, l.bytes = head, int(count), bytes
			l.trimSetbacks()
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

func (l *ledger) addEntry(e entry) {
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

// dropHead moves the head past e, which ends at the byte next.
func (l *ledger) dropHead(e entry, next int64) {
	l.head = next
	l.count = max(l.count-1, 0)
	l.bytes = max(l.bytes-e.size, 0)
	l.trimSetbacks()
}

// headLine is the journal's line for the head.
func headLine(l *ledger) string {
	return fmt.Sprintf("- %d %d %d\n", l.head, l.count, l.bytes)
}

// trimSetbacks drops the setbacks above which all pictures are deleted.
func (l *ledger) trimSetbacks() {
	for len(l.setbacks) > 0 && l.setbacks[0].offset <= l.head {
		l.setbacks = l.setbacks[1:]
	}
}

// ageOf returns the age of the picture at the head.
//
// If the picture is dated in the future, the clock was set back since; it is then at
// least as old as the pictures taken after it. Otherwise its own time is used: an
// earlier time after it may come from a machine that began in 1970 and learnt the time
// later.
func (l *ledger) ageOf(e entry, now time.Time) time.Duration {
	taken := e.taken
	if taken > now.UnixMilli() && len(l.setbacks) > 0 {
		taken = min(taken, l.setbacks[0].taken)
	}
	return now.Sub(time.UnixMilli(taken))
}

// entry is a stored picture.
type entry struct {
	taken, modified int64 // milliseconds since 1970
	size            int64
	path            string // with slashes, below the directory
}

func (e entry) String() string {
	return fmt.Sprintf("+ %d %d %d %q\n", e.taken, e.modified, e.size, e.path)
}

// parseEntryLine returns the picture of a line.
func parseEntryLine(line []byte) (entry, bool) {
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

// parsePaths reads quoted paths. All of them must stay inside the directory.
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

// pathLine is a journal's line with these paths.
func pathLine(kind string, paths ...string) string {
	for _, p := range paths {
		kind += " " + strconv.Quote(p)
	}
	return kind + "\n"
}
