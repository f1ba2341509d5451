package decode

import (
	"bytes"
	"context"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxAnswerLog bounds what a decoder that stays up may print for one picture, some
// lines where all is well.
const maxAnswerLog = 1 << 20

// warm is an ffmpeg that stays up for frames of one key, one at a time. It is
// believed only where it says what a sound one does: of the frame's packet one picture
// of its size, announced by the packet's number, before that of the washer, and no
// complaint. After anything else it is of no more use, and what it wrote is not either.
type warm struct {
	process
	key  string
	idle *time.Timer // of the pool

	mu       sync.Mutex
	request  *request      // nil between requests
	number   uint64        // of its frame, 0 before the first
	next     uint64        // of the next packet
	answered chan struct{} // of the request, closed when there is a verdict
	picture  []byte
	whole    bool // picture is
	named    bool // its number has been read
	washed   bool // that of the washer has
	resized  bool // the picture whose number is next has another size than the first had
	broken   bool // other than as told above
	line     []byte
	logged   int // bytes since the request
}

// startWarm runs a decoder for requests such as r.
func startWarm(d *Decoder, r *request) (*warm, error) {
	path, err := d.Find()
	if err != nil {
		return nil, err
	}
	w := &warm{key: r.key}
	if err := w.run(context.Background(), path, r.arguments(), (*pictures)(w), (*numbers)(w)); err != nil {
		return nil, err
	}
	context.AfterFunc(w.ctx, func() { w.stdin.Close() })
	return w, nil
}

// serves says whether the process can be asked for r.
func (w *warm) serves(r *request) bool {
	select {
	case <-w.done:
		return false
	default:
		return w.key == r.key
	}
}

// end kills the process and waits for that.
func (w *warm) end() {
	w.cancel(context.Canceled)
	<-w.done
}

// ask returns the picture of r, which is good until the next call, or false. It is
// false as well where ctx has ended.
func (w *warm) ask(ctx context.Context, r *request) ([]byte, bool) {
	picture, ok := w.decode(ctx, r, r.packet)
	if !ok || r.padded == nil {
		return picture, ok
	}
	first := bytes.Clone(picture)
	picture, ok = w.decode(ctx, r, r.padded)
	return picture, ok && bytes.Equal(picture, first)
}

// decode is ask for one of the packets of r.
func (w *warm) decode(ctx context.Context, r *request, packet []byte) ([]byte, bool) {
	kill := func() { w.cancel(context.Canceled) }
	defer context.AfterFunc(ctx, kill)()
	defer time.AfterFunc(patience(pixelsOf(r.frame.Info, r.output)), kill).Stop()
	number, answered := w.begin(r)
	if number == 0 {
		w.stdin.Write(r.ivfHeader())
	}
	for k, packet := range r.packets(packet) {
		w.stdin.Write(ivfFrame(len(packet), number+uint64(k)))
		w.stdin.Write(packet)
	}
	select {
	case <-answered:
	case <-w.done:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.request = nil
	return w.picture, w.whole && w.named && w.washed && !w.broken && ctx.Err() == nil
}

func (w *warm) begin(r *request) (number uint64, answered chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.number, w.next = w.next, w.next+numbersPerRequest
	w.request, w.answered = r, make(chan struct{})
	w.picture, w.whole, w.named, w.washed, w.logged = w.picture[:0], false, false, false, 0
	answered = w.answered
	w.settle() // it may be broken already
	return w.number, answered
}

// settle tells of a verdict. Like the following it is called with w.mu held.
func (w *warm) settle() {
	if w.answered != nil && (w.broken || w.washed && w.whole) {
		close(w.answered)
		w.answered = nil
	}
}

func (w *warm) addPicture(b []byte) {
	if w.broken || w.request == nil || w.whole || len(w.picture)+len(b) > maxPicture {
		w.broken = true
		return
	}
	w.picture = append(w.picture, b...)
	var err error
	w.whole, err = w.request.output.complete(w.picture)
	w.broken = err != nil
}

// addLine reads a line of the log: in front of a picture's number come the
// complaints about it, and whether its size is other than that of the first.
func (w *warm) addLine(line string) {
	part := logLine.FindStringSubmatch(line)
	if part == nil {
		return
	}
	level, text := part[2], part[3]
	switch {
	case level == "panic", level == "fatal", level == "error", strings.HasPrefix(text, "concealing "):
		w.broken = true
	case strings.Contains(text, "incoming frame - w: "):
		w.resized = true
	case printed.MatchString(text):
		number, err := strconv.ParseUint(strings.TrimSuffix(text, ".000000"), 10, 64)
		w.broken = w.broken || err != nil || !w.shown(number)
		w.resized = false
	}
}

// printed is what ffmpeg's print prints, which does not say that it speaks.
var printed = regexp.MustCompile(`^\d+\.\d{6}$`)

// shown takes a picture down that left the decoder. It is false where that is not as
// it should be.
func (w *warm) shown(number uint64) bool {
	switch {
	case number%numbersPerRequest == late:
		return true
	case w.request == nil || w.washed:
		return false
	case number == w.number && !w.named:
		w.named = true
		return !w.resized
	}
	w.washed = true
	return number == w.number+washed && w.named && w.resized
}

// pictures is a warm decoder's standard output.
type pictures warm

func (p *pictures) Write(b []byte) (int, error) {
	w := (*warm)(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.addPicture(b)
	w.settle()
	return len(b), nil
}

// numbers is its standard error.
type numbers warm

func (n *numbers) Write(b []byte) (int, error) {
	w := (*warm)(n)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.logged += len(b); w.logged > maxAnswerLog {
		w.broken = true
	}
	for rest := b; len(rest) > 0; {
		part, after, found := bytes.Cut(rest, []byte("\n"))
		w.line = append(w.line, part[:min(len(part), maxLine-len(w.line))]...)
		if found {
			w.addLine(string(w.line))
			w.line = w.line[:0]
		}
		rest = after
	}
	w.settle()
	return len(b), nil
}
