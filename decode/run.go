package decode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/kfgrab/kfgrab/decode/internal/ffmpeg"
)

const (
	// maxPicture bounds the standard output of any ffmpeg: see maxOutput.
	maxPicture = 2 * (3*MaxPixels + 1<<20)
	// maxLog ends a process that does nothing but complain. A damaged 8K picture with
	// a slice per row leaves some 100 kB.
	maxLog = 4 << 20
	// maxKept bounds the lines that are kept of the log. The first ones name the cause,
	// the others its consequences.
	maxKept = 4
)

// maxOutput returns how much ffmpeg may write for a picture of at most this many
// pixels: RGB24, twice for an open end. The other formats are smaller, PNG of noise
// only a little.
func maxOutput(pixels int) int { return 2 * (3*pixels + 1<<20) }

var errTooMuchLog = fmt.Errorf("ffmpeg wrote more than %d bytes of messages", maxLog)

// run is an ffmpeg that decodes once.
type run struct {
	*ffmpeg.Process
	kill   context.CancelCauseFunc
	stdout bytes.Buffer
	limit  int // of stdout, in bytes
	log    runLog
	killed bool // set by finish
}

// startRun runs ffmpeg, which may write limit bytes of picture. It must be finished,
// or killed and waited for.
func (d *Decoder) startRun(ctx context.Context, codec string, args []string, limit int) (*run, error) {
	r := &run{limit: limit}
	ctx, r.kill = context.WithCancelCause(ctx)
	r.log = newRunLog(codec, func() { r.kill(errTooMuchLog) })
	var err error
	if r.Process, err = d.start(ctx, args, (*pictureWriter)(r), &r.log); err != nil {
		r.kill(nil)
		return nil, err
	}
	return r, nil
}

// start runs the ffmpeg that Find returns. The error is an *Error.
func (d *Decoder) start(ctx context.Context, args []string, stdout, stderr io.Writer) (*ffmpeg.Process, error) {
	found, err := d.Find()
	if err != nil {
		return nil, err
	}
	file, release, err := programFile(found)
	if err != nil {
		return nil, err
	}

	command := ffmpeg.Command{File: file, Release: release, Args: args, Stdout: stdout, Stderr: stderr}
	p, err := command.Start(ctx)
	if err != nil {
		return nil, &Error{Err: err}
	}
	return p, nil
}

// finish gives input to the process and returns its output once it is dead. A failure to
// write is not an error: only the output counts.
func (r *run) finish(ctx context.Context, timeout time.Duration, input ...[]byte) ([]byte, error) {
	defer r.kill(nil)
	hangs := fmt.Errorf("it had not finished after %v: it hangs, or the machine is too busy", timeout)
	defer time.AfterFunc(timeout, func() { r.kill(hangs) }).Stop()
	defer context.AfterFunc(ctx, func() { r.kill(context.Cause(ctx)) })()
	defer r.AfterKill(func() { r.Stdin.Close() })() // unblocks a write

	for _, data := range input {
		if _, err := r.Stdin.Write(data); err != nil {
			break
		}
	}
	r.Stdin.Close()
	<-r.Done()

	cause := r.KillCause()
	r.killed = cause != nil
	if r.killed {
		return nil, &Error{Err: fmt.Errorf("ffmpeg was stopped: %w", cause), Stderr: r.log.text()}
	}
	if err := r.ExitError(); err != nil {
		return nil, &Error{Err: fmt.Errorf("ffmpeg failed: %s", describeExit(err)), Stderr: r.log.text()}
	}
	return r.stdout.Bytes(), nil
}

// describeExit says how a process ended, without words of package os/exec.
func describeExit(err error) string {
	signal, killed := strings.CutPrefix(err.Error(), "signal: ")
	switch {
	case errors.Is(err, exec.ErrWaitDelay):
		return "a process that it left behind holds its output"
	case killed && signal == "killed":
		return "it was killed; the system may have run out of memory"
	case killed:
		return "it crashed: " + signal
	}
	return err.Error()
}

// pictureWriter collects the standard output of a run, up to its limit.
type pictureWriter run

func (w *pictureWriter) Write(b []byte) (int, error) {
	if w.stdout.Len()+len(b) > w.limit {
		err := fmt.Errorf("ffmpeg wrote more than %d bytes of picture", w.limit)
		w.kill(err)
		return 0, err
	}
	return w.stdout.Write(b)
}

// runLog reads the log of a run, line by line as it comes.
type runLog struct {
	codec    string // name of the decoder whose errors are about the picture
	overflow func() // called after maxLog bytes
	lines    *ffmpeg.Lines

	size   int
	errors []string // of level error and above
	others []string // lines that are not from ffmpeg's log

	damaged    bool // the decoder patched the picture
	complained bool // the decoder reported an error, which in H.264 may be a harmless one
	noPicture  bool
	noEncoder  bool // this ffmpeg lacks the encoder

	noToneMapping bool // it lacks the filters of conversion
}

func newRunLog(codec string, overflow func()) runLog {
	return runLog{codec: codec, overflow: overflow, lines: &ffmpeg.Lines{}}
}

func (l *runLog) Write(p []byte) (int, error) {
	if l.size += len(p); l.size > maxLog {
		l.overflow()
		return len(p), nil
	}
	l.lines.Each = l.readLine
	return l.lines.Write(p)
}

func (l *runLog) readLine(raw string) {
	line := printable(raw)
	if line == "" {
		return
	}
	if m, ok := ffmpeg.ParseMessage(line); ok {
		l.readMessage(m)
		return
	}
	keepLine(&l.others, line)
}

func (l *runLog) readMessage(m ffmpeg.Message) {
	fromDecoder := path.Base(m.Speaker) == l.codec // "hevc", or "vist#0:0/hevc"
	switch {
	case m.IsError():
		l.complained = l.complained || fromDecoder || strings.Contains(m.Text, "Invalid data found")
		l.noEncoder = l.noEncoder || strings.HasPrefix(m.Text, "Unknown encoder")
		keepLine(&l.errors, m.Text)
	case fromDecoder && strings.HasPrefix(m.Text, "concealing "):
		l.damaged = true
		keepLine(&l.errors, m.Text)
	}

	switch m.Text {
	case "No such filter: 'zscale'", "No such filter: 'tonemap'":
		l.noToneMapping = true
	}
	for _, begin := range []string{"Cannot determine format of input stream", "Output file is empty", "Nothing was written into output file"} {
		l.noPicture = l.noPicture || strings.HasPrefix(m.Text, begin)
	}
}

// text returns the lines worth showing. It is for after the end of the process.
func (l *runLog) text() string {
	l.lines.Each = l.readLine
	l.lines.Flush()
	if len(l.errors) > 0 {
		return strings.Join(l.errors, "\n")
	}
	return strings.Join(l.others, "\n")
}

func keepLine(lines *[]string, line string) {
	if len(*lines) < maxKept && !slices.Contains(*lines, line) {
		*lines = append(*lines, line)
	}
}

// printable removes characters that could control a terminal.
func printable(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "")))
}
