package rtsp

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/pion/rtp"

	"github.com/kfgrab/kfgrab/keyframe"
)

// grace is how long an access unit whose marker is not yet trusted waits for a
// packet that shows the marker to be wrong. Slices of one picture leave a server
// together; half a second covers the shortest TCP retransmission, 200 ms, twice.
// It delays only a keyframe among the first pictures of a session, at less than
// two pictures a second.
const grace = 500 * time.Millisecond

// receiver takes the packets of one play within a budget of bytes, and returns one
// frame after the other. Its methods may be called from several goroutines, except
// takeFrame, whose goroutine alone waits for settled.
type receiver struct {
	settled chan struct{} // closed when a frame is there, or cannot come any more

	// request asks the source ssrc for a keyframe, for the nth time; or nil.
	request    func(ssrc uint32, nth int)
	infoWanted bool // a parameter set is enough

	mu       sync.Mutex
	sources  sourceList
	limit    int64
	packets  int
	bytes    int64 // of the packets so far
	asked    requests
	frame    *keyframe.Frame // not taken yet
	taken    int             // frames
	notified bool            // settled is closed
	over     bool            // no packet is looked at any more
	timer    *time.Timer

	// With receiveEvery:
	every   bool
	started bool // a keyframe came, and nothing was lost since
	gaps    int  // how often pictures were lost
}

func newReceiver(v *videoTrack, limit int64) *receiver {
	r := &receiver{settled: make(chan struct{}), limit: limit}
	r.sources.init(v, func(f *keyframe.Frame) {
		if r.frame == nil {
			r.frame = f
		}
	})
	return r
}

// timeBase is where picture times begin with receiveEvery, so that a clock that is
// set back gives no negative times: more than RTP timestamps of 90 kHz can express
// in one step.
const timeBase = 12 * time.Hour

// receiveEvery makes r pass every picture to take.
func (r *receiver) receiveEvery(take func(*keyframe.Frame)) {
	r.every = true
	r.sources.receiveEvery(func(f *keyframe.Frame) {
		if f.AfterGap {
			r.started = false
			r.gaps++
		}
		r.started = r.started || f.Kind != keyframe.UnknownKind
		take(f)
	})
}

// pushPacket takes the next packet.
func (r *receiver) pushPacket(p *rtp.Packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	r.stopTimer()
	r.packets++
	r.bytes += int64(p.MarshalSize())

	d := r.sources.pushPacket(p)
	first := d.classifyPayload(p.Payload)
	switch {
	case r.frame != nil, r.infoWanted && r.sources.main.firstSPS != nil:
		r.closeSettled()
	case r.bytes > r.limit:
		r.sources.main.endStream(false)
		r.finishLocked()
	case d.hasFailed():
		r.finishLocked()
	case d.hasDoubtedMarker():
		at := r.bytes
		r.timer = time.AfterFunc(grace, func() { r.trustMarker(d, at) })
	}

	keyframeWanted := r.frame == nil && (!r.every || !r.started)
	if keyframeWanted && r.request != nil && r.asked.isDue(time.Now(), first, d.damage.count+r.gaps) {
		r.request(p.SSRC, r.asked.count)
	}
}

// trustMarker runs when nothing has come after a doubted marker of d for a while. at is
// how many bytes had come when the timer was set.
func (r *receiver) trustMarker(d *depacketizer, at int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over || r.bytes != at {
		return
	}
	if d.trustMarker(); r.frame != nil {
		r.closeSettled()
	}
}

// endStream ends the stream, clean if the server said so.
func (r *receiver) endStream(clean bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	r.sources.main.endStream(clean)
	r.finishLocked()
}

// endSilent ends the stream if nothing has come: another track may be better.
func (r *receiver) endSilent() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over && r.packets == 0 {
		r.finishLocked()
	}
}

// giveUp makes r ignore further packets.
func (r *receiver) giveUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over {
		r.finishLocked()
	}
}

func (r *receiver) finishLocked() {
	r.stopTimer()
	r.over = true
	r.closeSettled()
}

func (r *receiver) closeSettled() {
	if !r.notified {
		r.notified = true
		close(r.settled)
	}
}

func (r *receiver) stopTimer() {
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
}

// takeFrame returns the frame, or why there is none. With infoWanted there may be
// neither. settled is a new channel afterwards.
func (r *receiver) takeFrame() (*keyframe.Frame, error) {
	r.mu.Lock()
	defer r.mu.Unlock()

	f := r.frame
	if f == nil {
		if r.infoWanted && r.sources.main.firstSPS != nil {
			return nil, nil
		}
		return nil, r.missingError()
	}

	r.frame = nil
	r.taken++
	r.asked.noteAnswer(time.Now())
	if !r.over {
		r.settled, r.notified = make(chan struct{}), false
	}
	return f, nil
}

// missingError names what the stream held instead of a keyframe.
func (r *receiver) missingError() error {
	if r.taken > 0 {
		return fmt.Errorf("%w after the last one", keyframe.ErrNotFound)
	}
	return r.sources.main.notFound()
}

// endReason names what ended a session without a frame.
func (r *receiver) endReason() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bytes > r.limit {
		return fmt.Sprintf("within %d bytes", r.limit)
	}
	return fmt.Sprintf("the stream ended after %d bytes", r.bytes)
}

// lateError explains why there is no frame after the timeout.
func (r *receiver) lateError(timeout time.Duration, t Transport) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch damage := &r.sources.main.damage; {
	case r.packets == 0 && t == TCP:
		return fmt.Errorf("the server sent nothing within %v: %w", timeout, os.ErrDeadlineExceeded)
	case r.packets == 0:
		return fmt.Errorf("no datagram came within %v; a firewall may block them, try TCP: %w", timeout, os.ErrDeadlineExceeded)
	case damage.count > 1:
		every := r.sources.main.clockDuration((damage.last - damage.first) / int64(damage.count-1))
		return fmt.Errorf("%w within %v: %d damaged ones, one about every %v, for %d lost packets of %d",
			keyframe.ErrNotFound, timeout, damage.count, every.Round(time.Second/10), r.sources.main.lost, r.sources.main.lost+r.packets)
	case r.taken > 0:
		return fmt.Errorf("%w (within %v)", r.missingError(), timeout)
	}
	return fmt.Errorf("%w (within %v: the GOP seems to be longer than %v)",
		r.missingError(), timeout, r.sources.main.clockDuration(max(r.sources.main.ticks, 0)).Round(time.Second/10))
}

// readStats returns the receiver's counts. The session adds Transport, Wait and the
// rest.
func (r *receiver) readStats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Stats{
		Packets: r.packets, Bytes: r.bytes, Lost: r.sources.main.lost,
		Damaged: r.sources.main.damage.count, Requested: r.asked.count,
	}
}

// firstSPS returns the first sequence parameter set of the stream, or nil.
func (r *receiver) firstSPS() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sources.main.firstSPS
}

// hasSets reports whether the stream repeats its parameter sets.
func (r *receiver) hasSets() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sources.main.hasSets()
}

// noteGoodbye ends the stream if a source that it comes from has ended (RFC 3550 6.6).
func (r *receiver) noteGoodbye(ssrcs []uint32) {
	r.mu.Lock()
	known := r.sources.isMain(ssrcs)
	r.mu.Unlock()
	if known {
		r.endStream(true)
	}
}

// sinceStart moves pts, which counts from the first packet, to count from the RTP
// timestamp start. A start that is far away is a server's mistake.
func (r *receiver) sinceStart(pts time.Duration, start uint32) time.Duration {
	const plausible = 60 // seconds: more than a server goes back to the last keyframe
	r.mu.Lock()
	defer r.mu.Unlock()
	ahead := int64(int32(r.sources.main.first - start))
	if pts == keyframe.NoPTS || ahead < 0 || ahead > plausible*int64(r.sources.main.clock) {
		return pts
	}
	return pts + r.sources.main.clockDuration(ahead)
}
