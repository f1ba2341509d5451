package program

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/config"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/watch"
)

// Options are what a file does not say. Stdout and Logger are required.
type Options struct {
	Stdout   io.Writer     // for the sink "-"
	Grace    time.Duration // for grabs and hooks at the end; watch.DefaultGrace if 0
	Repeat   bool          // store a picture even if the keyframe is the same as before
	Decoders int           // at once; one for each processor if 0
	State    string        // file for what survives a restart; "" for none
	Version  string        // of kfgrab, for metadata and User-Agent
	Logger   *slog.Logger
}

// Program takes pictures of the streams of a file and stores them in its sinks.
type Program struct {
	watcher *watch.Watcher
	options Options
	ffmpeg  string

	stopLimit func() bool

	mu       sync.Mutex // guards outlets and current
	outlets  *outlets
	current  []config.Stream // since the last Reload
	replaced chan struct{}   // current has changed
}

// Check returns an error that wraps kfgrab.ErrUsage if a stream has no schedule or no sink.
// With once, no schedule is needed.
func Check(file *config.File, once bool) error {
	for i := range file.Streams {
		s := &file.Streams[i]
		if !once && s.Rule().Never() {
			return fmt.Errorf("%w: stream %q has neither every nor cron: when should kfgrab grab it?", kfgrab.ErrUsage, s.Name)
		}
		if len(s.Sinks) == 0 {
			return fmt.Errorf("%w: stream %q has no sinks: where should its pictures go?", kfgrab.ErrUsage, s.Name)
		}
	}
	return nil
}

// DefaultState returns the path of the state in the first directory that pictures go to,
// and "" if there is none.
func DefaultState(file *config.File) string {
	for s := range sinksOf(file.Streams) {
		if s.To.Dir != "" {
			return filepath.Join(s.To.Dir, ".kfgrab", "watch.state")
		}
	}
	return ""
}

// Open verifies the file and opens the sinks. Nothing is grabbed yet. When ctx is done,
// writes to standard output, even those of Close, have Options.Grace left: there may be no
// reader.
func Open(ctx context.Context, file *config.File, o *Options) (*Program, error) {
	p := &Program{options: *o, ffmpeg: file.FFmpeg, replaced: make(chan struct{}, 1)}
	if p.options.Grace == 0 {
		p.options.Grace = watch.DefaultGrace
	}
	p.outlets = newOutlets(&p.options)
	p.stopLimit = context.AfterFunc(ctx, p.limitStdout)
	if err := p.openAll(ctx, file); err != nil {
		p.Close() //nolint:errcheck // nothing was stored yet
		return nil, err
	}
	return p, nil
}

func (p *Program) limitStdout() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outlets.limitPipe()
}

func (p *Program) openAll(ctx context.Context, file *config.File) error {
	warnings, err := Verify(ctx, file, &p.options)
	if err != nil {
		return err
	}
	for _, warning := range warnings {
		p.options.Logger.Warn(warning)
	}
	if err := p.outlets.openAll(file.Streams); err != nil {
		return err
	}

	p.watcher, err = watch.New(&watch.Options{
		Limits: file.Limits, Grace: p.options.Grace, State: p.options.State,
		Decoder: decode.Decoder{Path: file.FFmpeg}, Decoders: p.options.Decoders, Logger: p.options.Logger,
	})
	if err != nil {
		return err
	}
	return p.watcher.Set(p.outlets.watchStreams(file.Streams))
}

// checkDecoder returns an error if ffmpeg cannot make one of the pictures.
func checkDecoder(ctx context.Context, d *decode.Decoder, file *config.File) error {
	for i := range file.Streams {
		o := &file.Streams[i].Picture
		if !o.Format.Decoded() {
			continue
		}
		if err := d.Check(ctx, o.Decoded()); err != nil {
			return err
		}
	}
	return nil
}

// Watcher reports what the program does.
func (p *Program) Watcher() *watch.Watcher { return p.watcher }

// Once takes one picture of each stream.
func (p *Program) Once(ctx context.Context) []watch.Outcome {
	return p.watcher.Once(ctx)
}

// Run takes pictures until ctx is done and all grabs have ended.
func (p *Program) Run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	background.Go(func() { p.pruneRegularly(ctx) })
	background.Go(func() { p.retireReplaced(ctx) })

	p.watcher.Run(ctx)
	cancel()
	background.Wait()
}

// Reload replaces the streams. After an error, all stays as it was.
func (p *Program) Reload(file *config.File) error {
	if file.FFmpeg != p.ffmpeg {
		p.options.Logger.Warn("the other ffmpeg will be used after a restart")
	}
	p.mu.Lock()
	defer p.mu.Unlock()

	if err := p.outlets.openAll(file.Streams); err != nil {
		return err
	}
	if err := p.watcher.Set(p.outlets.watchStreams(file.Streams)); err != nil {
		return err
	}
	p.watcher.SetLimits(file.Limits)

	p.current = file.Streams
	select {
	case p.replaced <- struct{}{}:
	default:
	}
	return nil
}

// retireReplaced closes what Reload left unused, after the runs that store pictures there.
func (p *Program) retireReplaced(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.replaced:
		}
		if p.watcher.AwaitReplaced(ctx) != nil {
			return
		}
		p.retireUnused()
	}
}

func (p *Program) retireUnused() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.replaced) > 0 {
		return // the streams were replaced again, and runs of those before may go on
	}
	p.warnUnclosed(p.outlets.closeUnused(p.current))
}

// pruneInterval is how often old pictures are deleted if no new one arrives.
const pruneInterval = 10 * time.Minute

func (p *Program) pruneRegularly(ctx context.Context) {
	turn := time.NewTicker(pruneInterval)
	defer turn.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-turn.C:
		}

		p.mu.Lock()
		err := p.outlets.pruneDirs(ctx)
		p.mu.Unlock()
		if err != nil && ctx.Err() == nil {
			p.options.Logger.Warn("cannot delete old pictures", "error", neterror.OneLine(err.Error()))
		}
	}
}

// Close closes the sinks and waits for hooks. It also logs what could not be closed, such as
// an archive that is cut off.
func (p *Program) Close() error {
	defer p.stopLimit()
	if p.watcher != nil {
		p.watcher.Close()
	}
	err := p.outlets.closeAll()
	p.warnUnclosed(err)
	return err
}

func (p *Program) warnUnclosed(err error) {
	if err != nil {
		p.options.Logger.Warn("cannot close everything", "error", neterror.OneLine(err.Error()))
	}
}
