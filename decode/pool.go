package decode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab/decode/internal/ffmpeg"
	"github.com/kfgrab/kfgrab/decode/internal/warm"
	"github.com/kfgrab/kfgrab/keyframe"
)

// defaultIdle is longer than most viewers of a stream wait between two pictures.
const defaultIdle = 30 * time.Second

// Pool decodes like a Decoder, with the same pictures and the same errors, but keeps
// its processes running, which makes repeated decoding cheaper. The zero value is ready
// to use. Its fields must not be changed once it is used, and calls may run at the same
// time. It must be closed.
//
// A process serves frames with the same parameter sets and Output, one at a time, and
// nothing of a frame is left in it for the next. If it does not answer as it should,
// because the frame or the process is broken, a process of its own decodes the frame,
// and its result is final. The same goes for gradual refreshes, pictures to be
// deinterlaced, JPEGs, and H.264 that may be coded as two fields.
type Pool struct {
	// Decoder says which ffmpeg to run.
	Decoder Decoder
	// Size bounds the number of processes; further calls wait, first come, first served.
	// 0 means the number of processors.
	Size int
	// Idle is how long a process may wait for a frame; 0 means 30 seconds.
	Idle time.Duration

	once sync.Once
	warm *warm.Pool
}

// PoolStats counts what a Pool has done.
type PoolStats struct {
	Warm      int64 // pictures from processes that stayed up
	Alone     int64 // frames given to a process of their own
	Started   int64 // processes that were to stay up
	Discarded int64 // processes killed because they did not answer as they should
}

// warmPool returns the pool of processes, made from the settings at the first call.
func (p *Pool) warmPool() *warm.Pool {
	p.once.Do(func() {
		p.warm = &warm.Pool{Size: p.Size, Idle: p.Idle, MaxPicture: maxPicture}
		if p.Size <= 0 {
			p.warm.Size = runtime.GOMAXPROCS(0)
		}
		if p.Idle <= 0 {
			p.warm.Idle = defaultIdle
		}
		p.warm.Start = func(args []string, stdout, stderr io.Writer) (*ffmpeg.Process, error) {
			return p.Decoder.start(context.Background(), args, stdout, stderr)
		}
	})
	return p.warm
}

// Decode works like Decoder.Decode. The end of ctx kills the process. After Close the
// error wraps os.ErrClosed.
func (p *Pool) Decode(ctx context.Context, w io.Writer, f *keyframe.Frame, o Output) error {
	if err := checkFrame(f, o); err != nil {
		return err
	}
	place, err := p.warmPool().Enter(ctx, p.newRequest(f, o))
	if err != nil {
		return &Error{Err: err}
	}
	defer place.Leave()

	picture, err := place.Picture()
	var known *Error
	switch {
	case errors.As(err, &known):
		return err
	case err != nil:
		return &Error{Err: err}
	case picture != nil:
		_, err = w.Write(picture)
		return err
	}
	return place.DecodeAlone(func(ctx context.Context) error { return p.Decoder.Decode(ctx, w, f, o) })
}

// newRequest returns nil for a frame that can only be decoded alone.
func (p *Pool) newRequest(f *keyframe.Frame, o Output) *warm.Request {
	if o.Width, o.Height = o.Size(f.Info); o.Width == 0 {
		return nil
	}
	s := shapeOf(f)
	s.openEnd = false // such a frame is decoded twice by the same process
	data := withColours(f.Codec, f.Info, f.Data)

	settings := warm.Settings{
		Key:          fmt.Sprintf("%+v%+v", o, s),
		Deinterlaces: o.deinterlaceFilter(s) != "",
		Patience:     p.Decoder.patience(countPixels(f.Info, o)),
		Arguments: func(input []string, filter string) []string {
			args := append(decoderArguments(f.Codec), input...)
			return append(args, o.outputArguments(filter+o.filters(s))...)
		},
		IsWhole: o.isWhole,
	}
	if f.OpenEnd && f.Codec == keyframe.H265 {
		settings.Again = padSlices(data)
	}

	r, ok := warm.NewRequest(f, data, settings)
	if !ok {
		return nil
	}
	return r
}

// Stats returns the counts so far.
func (p *Pool) Stats() PoolStats { return PoolStats(p.warmPool().Stats()) }

// Close ends all processes and calls, and returns when they have ended.
func (p *Pool) Close() error { return p.warmPool().Close() }
