package decode

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	// defaultIdle is longer than most who watch a stream wait between two pictures.
	defaultIdle = 30 * time.Second
	// A key whose decoders were wrong about sound frames so many times in a row gets
	// one only every retry frames: that ffmpeg cannot, or the stream makes it complain.
	maxStrikes, retry = 3, 100
	// maxKeys bounds the keys that are remembered for that.
	maxKeys = 256
)

// Pool decodes as a Decoder does, the same pictures with the same errors, for less:
// its processes stay up. It is for those who decode again and again. The zero value
// is ready, its fields are not to be changed once it is used, and calls may run at
// the same time. It must be closed.
//
// A process serves frames of the same parameter sets and Output, one at a time, and
// nothing of a frame is left in it for the next. What it does not answer as it should,
// because the frame is broken or the process is, is decoded by a process of its own,
// whose word is final. So are gradual refreshes, pictures to be deinterlaced, and
// H.264 that may be of two fields.
type Pool struct {
	// Decoder says which ffmpeg to run.
	Decoder Decoder
	// Size bounds the processes that there are at a time; further calls wait, the
	// first come first. 0 is the number of processors.
	Size int
	// Idle is how long a process may wait for a frame; 0 is 30 seconds.
	Idle time.Duration

	mu      sync.Mutex
	busy    int     // places taken by calls
	idle    []*warm // the longest unused first
	queue   []*call
	calls   map[*call]bool // all that are under way
	strikes map[string]int // by key
	stats   PoolStats
	closed  bool
	done    sync.WaitGroup // of calls and of the end of idle processes
}

// PoolStats counts what a Pool has done.
type PoolStats struct {
	Warm      int64 // pictures from processes that stayed up
	Alone     int64 // frames given to a process of their own
	Started   int64 // processes that were to stay up
	Discarded int64 // of those, the ones given up for what they did or did not
}

// call is one Decode. Its place comes with a process, to use or to end first.
type call struct {
	key    string
	cancel context.CancelCauseFunc
	place  chan *warm
}

// Stats returns the counts up to now.
func (p *Pool) Stats() PoolStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// Decode is as that of the Decoder. The end of ctx ends the process, too. After
// Close the error wraps os.ErrClosed.
func (p *Pool) Decode(ctx context.Context, w io.Writer, f *keyframe.Frame, o Output) error {
	if err := check(f, o); err != nil {
		return err
	}
	r, canStay := newRequest(f, o)
	c := &call{place: make(chan *warm, 1)}
	if canStay {
		c.key = r.key
	}
	ctx, c.cancel = context.WithCancelCause(ctx)
	defer c.cancel(nil)
	held, err := p.enter(ctx, c)
	if err != nil {
		return err
	}
	defer p.done.Done()
	var kept *warm
	defer func() { p.leave(c, kept) }()
	if canStay && p.worthwhile(c.key) {
		var picture []byte
		if kept, picture, err = p.ask(ctx, held, r); err != nil {
			return err
		}
		if kept != nil {
			_, err = w.Write(picture)
			return err
		}
	} else if held != nil {
		held.end()
	}
	return p.alone(ctx, w, f, o, c.key)
}

// ask lets held, or a new process, decode r. It returns the process where that is to
// be kept.
func (p *Pool) ask(ctx context.Context, held *warm, r *request) (*warm, []byte, error) {
	if held != nil && !held.serves(r) {
		held.end()
		held = nil
	}
	if held == nil {
		if ctx.Err() != nil {
			return nil, nil, stopped(ctx)
		}
		var err error
		if held, err = startWarm(&p.Decoder, r); err != nil {
			return nil, nil, err
		}
		p.count(func(s *PoolStats) { s.Started++ })
	}
	picture, ok := held.ask(ctx, r)
	if ok {
		p.count(func(s *PoolStats) { s.Warm++ })
		p.judge(r.key, true)
		return held, picture, nil
	}
	held.end()
	p.count(func(s *PoolStats) { s.Discarded++ })
	if ctx.Err() != nil {
		return nil, nil, stopped(ctx)
	}
	return nil, nil, nil
}

// alone decodes f in a process of its own.
func (p *Pool) alone(ctx context.Context, w io.Writer, f *keyframe.Frame, o Output, key string) error {
	p.count(func(s *PoolStats) { s.Alone++ })
	err := p.Decoder.Decode(ctx, w, f, o)
	if err == nil && key != "" {
		p.judge(key, false)
	}
	return err
}

func stopped(ctx context.Context) error {
	return &Error{Err: fmt.Errorf("ffmpeg was stopped: %w", context.Cause(ctx))}
}

// Close ends all processes and calls, and returns when they have ended.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	for c := range p.calls {
		c.cancel(errClosed)
	}
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, w := range idle {
		w.idle.Stop()
		w.end()
	}
	p.done.Wait()
	return nil
}

var errClosed = fmt.Errorf("the pool is closed: %w", os.ErrClosed)

func (p *Pool) size() int {
	if p.Size > 0 {
		return p.Size
	}
	return runtime.GOMAXPROCS(0)
}

func (p *Pool) idleTime() time.Duration {
	if p.Idle > 0 {
		return p.Idle
	}
	return defaultIdle
}

func (p *Pool) count(add func(*PoolStats)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	add(&p.stats)
}

// worthwhile says whether decoders that stay up have been of use for the key.
func (p *Pool) worthwhile(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.strikes[key]
	return n < maxStrikes || n%retry == 0
}

// judge remembers how a sound frame of the key was decoded.
func (p *Pool) judge(key string, warm bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if warm {
		delete(p.strikes, key)
		return
	}
	if p.strikes == nil || len(p.strikes) >= maxKeys {
		p.strikes = map[string]int{}
	}
	p.strikes[key]++
}
