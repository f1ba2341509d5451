package decode

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxAnswerLog bounds what a decoder that stays up may print for one picture. What
// showinfo tells of user data SEI takes three bytes for each of theirs.
const maxAnswerLog = 1 << 20

// patience is how long the answer to a request may take: for pixels in and out.
// After that the frame is decoded alone, without such a limit.
func patience(r *request) time.Duration {
	i := r.frame.Info
	pixels := i.CodedWidth*i.CodedHeight + r.output.Width*r.output.Height
	return time.Second + time.Duration(pixels)*250*time.Nanosecond
}

// warm is an ffmpeg that stays up for frames of one key, one at a time. It is
// believed only where it says what a sound one does: of the one packet one picture,
// announced by the packet's number, and no complaint. After anything else it is of
// no more use, and what it wrote is not either.
type warm struct {
	process
	key  string
	idle *time.Timer // of the pool

	mu       sync.Mutex
	request  *request      // nil between requests
	number   uint64        // of the next request
	answered chan struct{} // of the request, closed when there is a verdict
	picture  []byte
	whole    bool // picture is
	named    bool // its number has been read
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
	kill := func() { w.cancel(context.Canceled) }
	defer context.AfterFunc(ctx, kill)()
	defer time.AfterFunc(patience(r), kill).Stop()
	number, answered := w.begin(r)
	if number == 0 {
		w.stdin.Write(r.ivfHeader())
	}
	w.stdin.Write(ivfFrame(len(r.packet), number))
	w.stdin.Write(r.packet)
	select {
	case <-answered:
	case <-w.done:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.request = nil
	return w.picture, w.whole && w.named && !w.broken && ctx.Err() == nil
}

func (w *warm) begin(r *request) (number uint64, answered chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	number, w.number = w.number, w.number+1
	w.request, w.answered = r, make(chan struct{})
	w.picture, w.whole, w.named, w.logged = w.picture[:0], false, false, 0
	answered = w.answered
	w.settle() // it may be broken already
	return number, answered
}

// settle tells of a verdict. Like the following it is called with w.mu held.
func (w *warm) settle() {
	if w.answered != nil && (w.broken || w.whole && w.named) {
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
// complaints about it.
func (w *warm) addLine(line string) {
	part := logLine.FindStringSubmatch(line)
	if part == nil {
		return
	}
	speaker, level, text := part[1], part[2], part[3]
	switch {
	case level == "panic", level == "fatal", level == "error", strings.HasPrefix(text, "concealing "):
		w.broken = true
	case strings.HasPrefix(speaker, "Parsed_showinfo_") && strings.HasPrefix(text, "n:"):
		_, pts, _ := strings.Cut(text, " pts:")
		pts, _, _ = strings.Cut(strings.TrimSpace(pts), " ")
		w.broken = w.broken || w.request == nil || w.named || pts != strconv.FormatUint(w.number-1, 10)
		w.named = true
	}
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
