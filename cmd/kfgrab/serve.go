package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/config"
	"github.com/kfgrab/kfgrab/internal/schedule"
	"github.com/kfgrab/kfgrab/serve"
)

const serveHelp = `serve answers HTTP with pictures of live streams. A stream is grabbed when somebody
asks for it, once for all who ask at the same time, and its picture is served again for
some seconds.

  kfgrab serve door=rtsp://user:password@camera/stream https://example.com/live.m3u8
  kfgrab serve --config cams.yaml --listen 127.0.0.1:8080

  /                                  all streams
  /streams/door/snapshot.jpg         ?width=320 &height= &fit=contain &quality=80 &overlay=1
                                     &max_age=10 &fresh=1 &stale_if_error=60 &placeholder=1
  /streams/door/mjpeg                keyframes as they come; ?every=5
  /streams, /streams/door            JSON

Passwords are best kept in the configuration, as ${ENV} or file:PATH: arguments can be
seen by others. One that changes is read again, as is one on SIGHUP, but for the address
and the paths of the certificate. SIGTERM and SIGINT end the program, with what is under
way.

Where others reach the address, --auth or the configuration says who may ask, by Basic or
with a token as Bearer:

  kfgrab serve --hash=token          a token, and the hash that is kept of it
  echo 'wall:sha256:… door' >> who
  kfgrab serve door=… --listen 0.0.0.0:8443 --auth who --tls-cert c.pem --tls-key k.pem`

func newServeCommand(std *streams, source *sourceFlags) *cobra.Command {
	f := &serveFlags{source: source}
	source.useless = []string{"at"}
	cmd := &cobra.Command{
		Use:   "serve [NAME=]URL… | --config FILE",
		Short: "Pictures of streams over HTTP",
		Long:  serveHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.guard.hash != "" {
				return f.guard.printHash(std)
			}
			if err := f.check(cmd.Flags(), args); err != nil {
				return err
			}
			return f.run(cmd.Context(), std, args)
		},
	}
	f.register(cmd.Flags())
	return cmd
}

// serveFlags say what is served, and where.
type serveFlags struct {
	source     *sourceFlags
	choice     choiceFlags
	log        logFlags
	guard      guardFlags
	config     string
	ttl        time.Duration
	warm       bool
	cacheBytes size
	ffmpeg     string
}

func (f *serveFlags) register(flags *pflag.FlagSet) {
	f.guard.register(flags)
	flags.StringVar(&f.config, "config", "", "`file` of streams, in place of arguments")
	flags.DurationVar(&f.ttl, "ttl", serve.DefaultTTL, "`time` for which a picture is served again")
	flags.BoolVar(&f.warm, "warm", false, "hold the streams open, for an answer at once")
	f.cacheBytes = serve.DefaultCacheBytes
	flags.Var(&f.cacheBytes, "cache-bytes", "`size` of the pictures that are kept at most")
	flags.StringVar(&f.ffmpeg, "ffmpeg", "", ffmpegHelp)
	f.choice.register(flags)
	f.log.register(flags)
	flags.Lookup("log-file").Usage = "`file` for the log, a line for each request (default standard error)"
}

// ofService are the flags that go with --config: the others are keys of the file.
var ofService = func() map[string]bool {
	m := map[string]bool{
		"config": true, "cache-bytes": true, "ffmpeg": true, "verbose": true,
		"log-file": true, "log-size": true, "log-files": true, "log-format": true,
	}
	for _, name := range ofGuard {
		m[name] = true
	}
	return m
}()

// check says what does not go together.
func (f *serveFlags) check(flags *pflag.FlagSet, args []string) error {
	if err := f.source.refuse(flags, "is for recordings"); err != nil {
		return err
	}
	if err := checkNamed(args, f.config, "serve"); err != nil {
		return err
	}
	if f.ttl <= 0 {
		return usageError(fmt.Errorf("--ttl %v is no time at all", f.ttl))
	}
	return refuseOfStreams(flags, f.config, ofService)
}

// load returns what is to be served.
func (f *serveFlags) load(std *streams, args []string) (*config.File, error) {
	if f.config != "" {
		return config.Load(f.config)
	}
	options, err := f.source.options(std)
	if err != nil {
		return nil, err
	}
	options.Stdin = nil
	f.choice.apply(options)
	base := config.Stream{Stream: serve.Stream{Options: *options, Timeout: f.source.timeout, TTL: f.ttl}}
	if f.warm {
		base.Mode = serve.Warm
	}
	file, taken := &config.File{Limits: schedule.DefaultLimits}, map[string]bool{}
	for _, arg := range args {
		s, err := config.FromArgument(arg, base, taken)
		if err != nil {
			return nil, err
		}
		file.Streams = append(file.Streams, s)
	}
	return file, nil
}

func (f *serveFlags) run(ctx context.Context, std *streams, args []string) error {
	r := &reloader{path: cmp.Or(f.config, f.guard.auth)}
	if f.config != "" {
		r.beside = f.guard.auth
	}
	if r.path != "" {
		defer r.listen()()
	}
	file, err := f.load(std, args)
	if err != nil {
		return err
	}
	service, err := f.guard.service(file.Service)
	if err != nil {
		return err
	}
	if f.ffmpeg != "" {
		file.FFmpeg = f.ffmpeg
	}
	handler, logFile, err := f.log.handler(std.err, f.source.verbose)
	if err != nil {
		return err
	}
	defer logFile.Close()
	r.log = slog.New(handler)
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", service.Listen)
	if err != nil {
		return usageError(fmt.Errorf("--listen: %w", err))
	}
	s, err := f.open(file, service, l.Addr(), r.log)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	f.guard.warn(service, l.Addr(), r.log)
	scheme := "http"
	if service.TLS != (serve.TLS{}) {
		scheme = "https"
	}
	r.log.Info("listening", "url", scheme+"://"+l.Addr().String()+"/", "streams", len(file.Streams))
	r.load = func() error { return f.reload(s, l.Addr()) }
	return f.serve(ctx, s, l, r)
}

// open returns the service that is to be had at that address.
func (f *serveFlags) open(file *config.File, service config.Service, at net.Addr, log *slog.Logger) (*serve.Server, error) {
	guard, err := f.guard.guard(service, at)
	if err != nil {
		return nil, err
	}
	return serve.New(&serve.Options{
		Streams: servedStreams(file), Limits: serve.Limits(file.Limits), Decoder: decode.Decoder{Path: file.FFmpeg},
		CacheBytes: int64(f.cacheBytes), Software: "kfgrab/" + version, Logger: log, Guard: guard, TLS: service.TLS,
	})
}

// servedStreams returns the part of each stream that serve needs.
func servedStreams(file *config.File) []serve.Stream {
	list := make([]serve.Stream, 0, len(file.Streams))
	for i := range file.Streams {
		list = append(list, file.Streams[i].Stream)
	}
	return list
}

// serve has the configuration read again while s runs.
func (f *serveFlags) serve(ctx context.Context, s *serve.Server, l net.Listener, r *reloader) error {
	var beside sync.WaitGroup
	defer beside.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if r.path != "" {
		beside.Go(func() { r.run(ctx) })
	}
	err := s.Run(ctx, l)
	r.log.Info("stopped")
	return err
}

// reload has what the configuration says now served. Where it says nothing that makes
// sense, all stays as it is.
func (f *serveFlags) reload(s *serve.Server, at net.Addr) error {
	file := &config.File{}
	if f.config != "" {
		var err error
		if file, err = config.Load(f.config); err != nil {
			return err
		}
	}
	service, err := f.guard.service(file.Service)
	if err != nil {
		return err
	}
	guard, err := f.guard.guard(service, at)
	if err != nil {
		return err
	}
	if err := s.SetGuard(guard); err != nil || f.config == "" {
		return err
	}
	s.SetLimits(serve.Limits(file.Limits))
	return s.Set(servedStreams(file))
}
