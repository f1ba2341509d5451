package rtsp

import (
	"fmt"
	"sync"
	"time"

	"github.com/pion/rtp"

	"github.com/kfgrab/kfgrab/keyframe"
)

// grace is how long an access unit whose marker is not yet believed is held for a
// packet that shows the marker to be wrong. Slices of one picture leave a server
// together; half a second covers the shortest TCP retransmission, 200 ms, twice.
// It counts only for a keyframe among the first pictures of a session, at less
// than two pictures a second.
const grace = 500 * time.Millisecond

// receiver takes the packets of one session up to its first frame, within a
// budget of bytes. Its methods may be called from several goroutines.
type receiver struct {
	settled chan struct{} // closed when the frame is there, or cannot come any more

	mu    sync.Mutex
	d     *depacketizer
	limit int64
	bytes int64 // of the packets so far
	frame *keyframe.Frame
	over  bool // settled is closed, nothing more is taken
	timer *time.Timer
}

func newReceiver(v *videoTrack, limit int64) *receiver {
	r := &receiver{settled: make(chan struct{}), limit: limit}
	r.d = newDepacketizer(v, func(f *keyframe.Frame) {
		if r.frame == nil {
			r.frame = f
		}
	})
	return r
}

// push takes a packet.
func (r *receiver) push(p *rtp.Packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	r.rest()
	r.bytes += int64(p.MarshalSize())
	r.d.push(p)
	switch {
	case r.frame != nil:
		r.finish()
	case r.bytes > r.limit:
		r.d.end(false)
		r.finish()
	case r.d.marked():
		at := r.bytes
		r.timer = time.AfterFunc(grace, func() { r.takeMarked(at) })
	}
}

// takeMarked is what the timer runs, which was set when at bytes had come.
func (r *receiver) takeMarked(at int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over || r.bytes != at {
		return
	}
	if r.d.takeMarked(); r.frame != nil {
		r.finish()
	}
}

// settle tells that the stream has ended, clean if by the server's own word.
func (r *receiver) settle(clean bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	r.d.end(clean)
	r.finish()
}

// stop gives up.
func (r *receiver) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over {
		r.finish()
	}
}

// finish is called with mu held, once.
func (r *receiver) finish() {
	r.rest()
	r.over = true
	close(r.settled)
}

// rest stops the timer.
func (r *receiver) rest() {
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
}

// result returns the frame, or why there is none.
func (r *receiver) result() (*keyframe.Frame, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.frame != nil {
		return r.frame, nil
	}
	return nil, r.d.asm.NotFound()
}

// reason says what ended a session without a frame.
func (r *receiver) reason() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bytes > r.limit {
		return fmt.Sprintf("within %d bytes", r.limit)
	}
	return fmt.Sprintf("the stream ended after %d bytes", r.bytes)
}

// since moves pts, which counts from the first packet, to count from the RTP
// timestamp start. A start that is far away is a server's mistake.
func (r *receiver) since(pts time.Duration, start uint32) time.Duration {
	const plausible = 60 // seconds: more than a server goes back to the last keyframe
	r.mu.Lock()
	defer r.mu.Unlock()
	ahead := int64(int32(r.d.first - start))
	if pts == keyframe.NoPTS || ahead < 0 || ahead > plausible*int64(r.d.clock) {
		return pts
	}
	return pts + r.d.duration(ahead)
}
