package warm

import (
	"bytes"
	"context"
	"io"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab/decode/internal/ffmpeg"
)

// process is an ffmpeg that stays up for the frames of one key, one at a time.
type process struct {
	*ffmpeg.Process
	key       string
	idleTimer *time.Timer // of the pool
	next      uint64      // number of the next frame

	mu      sync.Mutex
	answer  answer
	settled chan struct{} // closed when the answer is settled; nil after that
}

// startProcess starts a process for requests with the key of r.
func startProcess(start StartFunc, r *Request, maxPicture int) (*process, error) {
	p := &process{key: r.key, answer: answer{maxSize: maxPicture}}
	stdout := writerFunc(func(b []byte) {
		p.updateAnswer(func(a *answer) { a.addPicture(b) })
	})
	lines := &ffmpeg.Lines{Each: p.answer.addLine}
	stderr := writerFunc(func(b []byte) {
		p.updateAnswer(func(a *answer) {
			a.addLogged(len(b))
			lines.Write(b)
		})
	})

	var err error
	if p.Process, err = start(r.arguments(), stdout, stderr); err != nil {
		return nil, err
	}
	p.AfterKill(func() { p.Stdin.Close() })
	return p, nil
}

// writerFunc is a writer that takes everything.
type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) {
	f(b)
	return len(b), nil
}

// updateAnswer changes the answer, and wakes ask if that settles it.
func (p *process) updateAnswer(change func(*answer)) {
	p.mu.Lock()
	defer p.mu.Unlock()

	change(&p.answer)
	if p.settled != nil && p.answer.isSettled() {
		close(p.settled)
		p.settled = nil
	}
}

// canServe reports whether the process runs and has the key of r.
func (p *process) canServe(r *Request) bool {
	select {
	case <-p.Done():
		return false
	default:
		return p.key == r.key
	}
}

// killAndWait kills the process and waits for its end.
func (p *process) killAndWait() {
	p.Kill(context.Canceled)
	<-p.Done()
}

// ask returns the picture of r, which is valid until the next call. ok is false if the
// answer cannot be trusted or ctx has ended; the process is then useless.
func (p *process) ask(ctx context.Context, r *Request) (picture []byte, ok bool) {
	for n, packet := range r.packets {
		first := bytes.Clone(picture)
		if picture, ok = p.askOnce(ctx, r, packet); !ok {
			return nil, false
		}
		if n > 0 && !bytes.Equal(picture, first) {
			return nil, false
		}
	}
	return picture, true
}

// askOnce is ask for one of the packets of r.
func (p *process) askOnce(ctx context.Context, r *Request, packet []byte) ([]byte, bool) {
	kill := func() { p.Kill(context.Canceled) }
	defer context.AfterFunc(ctx, kill)()
	defer time.AfterFunc(r.settings.Patience, kill).Stop()

	number := p.next
	p.next += numbersPerFrame
	settled := make(chan struct{})
	p.updateAnswer(func(a *answer) {
		a.beginFrame(number, r.settings.IsWhole)
		p.settled = settled
	})

	if number == 0 {
		p.Stdin.Write(r.ivfHeader())
	}
	for k, packet := range r.withWashers(packet) { // errors show as a missing answer
		p.Stdin.Write(ivfPacketHeader(len(packet), number+uint64(k)))
		p.Stdin.Write(packet)
	}

	select {
	case <-settled:
	case <-p.Done():
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	picture, ok := p.answer.endFrame()
	return picture, ok && ctx.Err() == nil
}

// StartFunc starts ffmpeg.
type StartFunc func(args []string, stdout, stderr io.Writer) (*ffmpeg.Process, error)
