package warm

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"
)

const (
	// A key whose processes were wrong about good frames maxStrikes times in a row
	// gets one only for every retryEvery-th frame.
	maxStrikes = 3
	retryEvery = 100
	// maxKeys bounds the keys whose strikes are remembered.
	maxKeys = 256
)

// Pool bounds and keeps the processes. Its fields must not change once it is used.
type Pool struct {
	Start      StartFunc
	MaxPicture int           // bytes that a process may write for one frame
	Size       int           // processes at a time
	Idle       time.Duration // how long a process may wait for a frame

	once   sync.Once
	places *places

	mu      sync.Mutex
	strikes map[string]int // by key
	stats   Stats
}

// Stats counts what a Pool has done.
type Stats struct {
	Warm      int64 // pictures from processes that stayed up
	Alone     int64 // frames given to a process of their own
	Started   int64 // processes that were to stay up
	Discarded int64 // processes killed because they cannot be trusted
}

// Stats returns the counts so far.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// countUp changes the counts.
func (p *Pool) countUp(add func(*Stats)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	add(&p.stats)
}

// errClosed is the error of calls of a closed pool.
var errClosed = fmt.Errorf("the pool is closed: %w", os.ErrClosed)

// Place is the right to run one process. It comes with a process, to use or to stop
// first, or none.
type Place struct {
	pool    *Pool
	request *Request // nil for a frame that is decoded alone
	ctx     context.Context
	cancel  context.CancelCauseFunc

	granted chan *process
	held    *process // that came with the place, or was started
	keep    bool     // held stays up
}

// Enter waits for a place, first come, first served. r is nil for a frame that can
// only be decoded alone. The caller must call Leave. The error wraps the context's
// cause, or os.ErrClosed.
func (p *Pool) Enter(ctx context.Context, r *Request) (*Place, error) {
	pl := &Place{pool: p, request: r, granted: make(chan *process, 1)}
	pl.ctx, pl.cancel = context.WithCancelCause(ctx)
	all := p.allPlaces()
	if !all.joinQueue(pl) {
		pl.cancel(nil)
		return nil, errClosed
	}

	select {
	case pl.held = <-pl.granted:
		return pl, nil
	case <-pl.ctx.Done():
	}

	err := fmt.Errorf("ffmpeg was not started: %w", context.Cause(pl.ctx))
	if all.quitQueue(pl) {
		pl.cancel(nil)
		return nil, err
	}

	pl.held = <-pl.granted // it was granted at the same time
	pl.keep = true
	pl.Leave()
	return nil, err
}

func (p *Pool) allPlaces() *places {
	p.once.Do(func() {
		p.places = &places{size: p.Size, idleTime: p.Idle, joined: map[*Place]bool{}}
	})
	return p.places
}

// wantedKey returns the key of the processes that the place can use.
func (pl *Place) wantedKey() string {
	if pl.request == nil {
		return ""
	}
	return pl.request.key
}

// Picture returns the picture from a process that stays up, valid until Leave. It is
// nil if the frame must be decoded alone. The error is that of starting a process, or
// wraps the context's cause.
func (pl *Place) Picture() ([]byte, error) {
	usable := pl.request != nil && pl.pool.isWorthwhile(pl.request.key)
	if pl.held != nil && !(usable && pl.held.canServe(pl.request)) {
		pl.held.killAndWait()
		pl.held = nil
	}
	if !usable {
		return nil, nil
	}

	if pl.held == nil {
		if pl.ctx.Err() != nil {
			return nil, pl.stoppedError()
		}
		var err error
		if pl.held, err = startProcess(pl.pool.Start, pl.request, pl.pool.MaxPicture); err != nil {
			return nil, err
		}
		pl.pool.countUp(func(s *Stats) { s.Started++ })
	}

	picture, ok := pl.held.ask(pl.ctx, pl.request)
	if ok {
		pl.keep = true
		pl.pool.countUp(func(s *Stats) { s.Warm++ })
		pl.pool.judgeKey(pl.request.key, true)
		return picture, nil
	}

	pl.held.killAndWait()
	pl.held = nil
	pl.pool.countUp(func(s *Stats) { s.Discarded++ })
	if pl.ctx.Err() != nil {
		return nil, pl.stoppedError()
	}
	return nil, nil
}

func (pl *Place) stoppedError() error {
	return fmt.Errorf("ffmpeg was stopped: %w", context.Cause(pl.ctx))
}

// DecodeAlone calls decode, which decodes the frame in a process of its own, and
// returns its error.
func (pl *Place) DecodeAlone(decode func(context.Context) error) error {
	pl.pool.countUp(func(s *Stats) { s.Alone++ })
	err := decode(pl.ctx)
	if err == nil && pl.request != nil {
		pl.pool.judgeKey(pl.request.key, false)
	}
	return err
}

// Leave gives the place back, with its process if that stays up.
func (pl *Place) Leave() {
	var kept *process
	if pl.keep {
		kept = pl.held
	}
	pl.pool.places.leavePlace(pl, kept)
	pl.cancel(nil)
}

// Close ends all processes and calls, and returns when they have ended.
func (p *Pool) Close() error {
	all := p.allPlaces()
	idle, joined := all.closeAll()
	for _, pl := range joined {
		pl.cancel(errClosed)
	}

	for _, w := range idle {
		w.killAndWait()
	}
	all.pending.Wait()
	return nil
}

// isWorthwhile reports whether the key should get a warm process now.
func (p *Pool) isWorthwhile(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.strikes[key]
	return n < maxStrikes || n%retryEvery == 0
}

// judgeKey remembers how a good frame of the key was decoded.
func (p *Pool) judgeKey(key string, warm bool) {
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
