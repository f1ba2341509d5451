package rtsp

import (
	"fmt"
	"os"
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

// receiver takes the packets of one session within a budget of bytes, for one frame
// after the other. Its methods may be called from several goroutines, but for take,
// whose goroutine alone waits for settled.
type receiver struct {
	settled chan struct{} // closed when a frame is there, or cannot come any more
	// request asks the source ssrc for a keyframe, for the nth time; or nil.
	request    func(ssrc uint32, nth int)
	infoWanted bool // a parameter set will do
	every      *every

	mu      sync.Mutex
	d       *depacketizer
	limit   int64
	packets int
	bytes   int64 // of the packets so far
	asked   requests
	frame   *keyframe.Frame // to be taken
	taken   int             // frames
	told    bool            // settled is closed
	over    bool            // no packet is looked at any more
	timer   *time.Timer
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
	r.packets++
	r.bytes += int64(p.MarshalSize())
	first := r.d.opening(p.Payload)
	r.d.push(p)
	switch {
	case r.frame != nil, r.infoWanted && r.d.sps != nil:
		r.tell()
	case r.bytes > r.limit:
		r.d.end(false)
		r.finish()
	case r.d.marked():
		at := r.bytes
		r.timer = time.AfterFunc(grace, func() { r.takeMarked(at) })
	}
	if r.keyframeWanted() && r.request != nil && r.asked.due(time.Now(), first, r.d.spoilt.count+r.every.gaps()) {
		r.request(p.SSRC, r.asked.count)
	}
}

// keyframeWanted says whether a keyframe would help.
func (r *receiver) keyframeWanted() bool { return r.frame == nil && !r.every.goesOn() }

// takeMarked is what the timer runs, which was set when at bytes had come.
func (r *receiver) takeMarked(at int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over || r.bytes != at {
		return
	}
	if r.d.takeMarked(); r.frame != nil {
		r.tell()
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
	r.tell()
}

func (r *receiver) tell() {
	if !r.told {
		r.told = true
		close(r.settled)
	}
}

// rest stops the timer.
func (r *receiver) rest() {
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
}

// take returns the frame, or why there is none. With infoWanted there may be
// neither. The next one settles anew.
func (r *receiver) take() (*keyframe.Frame, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.frame
	if f == nil {
		if r.infoWanted && r.d.sps != nil {
			return nil, nil
		}
		return nil, r.missing()
	}
	r.frame = nil
	r.taken++
	r.asked.answered(time.Now())
	if !r.over {
		r.settled, r.told = make(chan struct{}), false
	}
	return f, nil
}

// missing says what there was in place of a keyframe.
func (r *receiver) missing() error {
	if r.taken > 0 {
		return fmt.Errorf("%w behind the last one", keyframe.ErrNotFound)
	}
	return r.d.asm.NotFound()
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

// late says why there is no frame after the time given for it.
func (r *receiver) late(timeout time.Duration, t Transport) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch s := &r.d.spoilt; {
	case r.packets == 0 && t == TCP:
		return fmt.Errorf("the server sent nothing within %v: %w", timeout, os.ErrDeadlineExceeded)
	case r.packets == 0:
		return fmt.Errorf("no datagram came within %v; if a firewall holds them back, TCP passes: %w", timeout, os.ErrDeadlineExceeded)
	case s.count > 1:
		every := r.d.duration((s.last - s.first) / int64(s.count-1))
		return fmt.Errorf("%w within %v: %d damaged ones, one about every %v, for %d lost packets of %d",
			keyframe.ErrNotFound, timeout, s.count, every.Round(time.Second/10), r.d.lost, r.d.lost+r.packets)
	}
	if r.taken > 0 {
		return fmt.Errorf("%w (within %v)", r.missing(), timeout)
	}
	return fmt.Errorf("%w (within %v: the GOP seems to be longer than %v)",
		r.missing(), timeout, r.d.duration(max(r.d.ticks, 0)).Round(time.Second/10))
}

// stats tells what came. Transport, Wait and the rest are the session's to add.
func (r *receiver) stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Stats{
		Packets: r.packets, Bytes: r.bytes, Lost: r.d.lost,
		Damaged: r.d.spoilt.count, Requested: r.asked.count,
	}
}

// sps is the first sequence parameter set that the stream had in it, or nil.
func (r *receiver) sps() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.d.sps
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
