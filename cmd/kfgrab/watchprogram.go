package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/config"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/watch"
)

// program is kfgrab watch at work.
type program struct {
	watcher *watch.Watcher
	outlets *outlets
	log     *slog.Logger
	logFile io.Closer
	table   *table // nil without a terminal
	ffmpeg  string
	repeat  bool
	// changing is held by who changes the outlets, or works on them beside the grabs.
	changing sync.Mutex
	current  []config.Stream // that are watched, after a change
	replaced chan struct{}   // current is another
}

// start opens all that is needed, and begins nothing.
func (f *watchFlags) start(ctx context.Context, std *streams, file *config.File) (*program, error) {
	p := &program{ffmpeg: file.FFmpeg, repeat: f.repeat, replaced: make(chan struct{}, 1)}
	if err := f.startLog(std, p); err != nil {
		return nil, err
	}
	p.outlets = newOutlets(std.out, f.grace, p.log)
	decoder := decode.Decoder{Path: file.FFmpeg}
	err := checkDecoder(ctx, &decoder, file)
	if err == nil {
		err = p.outlets.open(file.Streams)
	}
	if err == nil {
		p.watcher, err = watch.New(&watch.Options{
			Limits: file.Limits, Grace: f.grace, State: f.statePath(file),
			Decoder: decoder, Decoders: f.decoders, Logger: p.log,
		})
	}
	if err == nil {
		err = p.watcher.Set(p.outlets.streams(file.Streams, p.repeat))
	}
	if err != nil {
		p.close() //nolint:errcheck // nothing was put there
		return nil, err
	}
	return p, nil
}

// startLog decides where the log goes. A terminal shows a table in its place.
func (f *watchFlags) startLog(std *streams, p *program) error {
	stderr := std.err
	if !f.once && isTerminal(std.err) && !f.source.verbose {
		p.table = &table{out: std.err.(*os.File)}
		stderr = io.Discard
	}
	handler, closer, err := f.log.handler(stderr, f.source.verbose)
	if err != nil {
		return err
	}
	if p.table != nil {
		handler = &warningHandler{handler, p.table}
	}
	p.log, p.logFile = slog.New(handler), closer
	return nil
}

// checkDecoder finds out whether all that is to be decoded can be, before a stream is
// touched.
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

// reload has what the configuration says now watched. Where it says nothing that makes
// sense, all stays as it is.
func (p *program) reload(f *watchFlags, std *streams, args []string) error {
	file, err := f.load(std, args)
	if err != nil {
		return err
	}
	if file.FFmpeg != p.ffmpeg {
		p.log.Warn("another ffmpeg is used after a restart")
	}
	p.changing.Lock()
	defer p.changing.Unlock()
	if err := p.outlets.open(file.Streams); err != nil {
		return err
	}
	if err := p.watcher.Set(p.outlets.streams(file.Streams, p.repeat)); err != nil {
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

// retireReplaced closes what a change has left unused, when the runs have ended that put
// pictures there.
func (p *program) retireReplaced(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.replaced:
		}
		if p.watcher.AwaitReplaced(ctx) != nil {
			return
		}
		p.retire()
	}
}

func (p *program) retire() {
	p.changing.Lock()
	defer p.changing.Unlock()
	if len(p.replaced) > 0 {
		return // others have been replaced since, and may run
	}
	if err := p.outlets.retire(p.current); err != nil {
		p.log.Warn("not all was closed as it should be", "error", neterror.OneLine(err.Error()))
	}
}

// pruneEvery is how often pictures are looked for that have grown too old, where no new
// one comes.
const pruneEvery = 10 * time.Minute

func (p *program) prune(ctx context.Context) {
	turn := time.NewTicker(pruneEvery)
	defer turn.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-turn.C:
		}
		p.changing.Lock()
		err := p.outlets.prune(ctx)
		p.changing.Unlock()
		if err != nil && ctx.Err() == nil {
			p.log.Warn("old pictures cannot be deleted", "error", neterror.OneLine(err.Error()))
		}
	}
}

// close says in the log, too, what could not be closed: an archive that is cut off, hooks
// that were not told.
func (p *program) close() error {
	if p.watcher != nil {
		p.watcher.Close()
	}
	err := p.outlets.close()
	if err != nil {
		p.log.Warn("not all was closed as it should be", "error", neterror.OneLine(err.Error()))
	}
	p.logFile.Close()
	return err
}
