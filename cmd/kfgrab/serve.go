package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/config"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/program"
	"github.com/kfgrab/kfgrab/internal/schedule"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/serve"
)

const serveHelp = `serve answers HTTP requests with pictures of live streams. It grabs a stream when a client asks
for it, once for all clients that ask at the same time, and serves the picture again for some
seconds.

  kfgrab serve door=rtsp://user:password@camera/stream https://example.com/live.m3u8
  kfgrab serve --config cams.yaml --listen 127.0.0.1:8080

  /                                  all streams
  /streams/door/snapshot.jpg         ?width=320 &height= &fit=contain &quality=80 &overlay=1
                                     &max_age=10 &fresh=1 &stale_if_error=60 &placeholder=1
  /streams/door/mjpeg                keyframes as they come; ?every=5
  /streams, /streams/door            JSON

Keep passwords in the configuration, as ${ENV} or file:PATH: other users can see arguments.
kfgrab reads the configuration again when it changes and on SIGHUP, except for the address and
the paths of the certificate. SIGTERM and SIGINT stop the program and end its requests.

If other machines can reach the address, --auth or the configuration must say who has access,
with Basic authentication or a Bearer token:

  kfgrab serve --hash=token          prints a token and its hash
  echo 'wall:sha256:… door' >> who
  kfgrab serve door=… --listen 0.0.0.0:8443 --auth who --tls-cert c.pem --tls-key k.pem`

func newServeCommand(std *streams, source *sourceFlags) *cobra.Command {
	f := &serveFlags{source: source}
	source.refused = []string{"at"}
	cmd := &cobra.Command{
		Use:   "serve [NAME=]URL… | --config FILE",
		Short: "Pictures of streams over HTTP",
		Long:  serveHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.guard.hash != "" {
				return f.guard.printHash(std)
			}
			if err := f.checkServeFlags(cmd.Flags(), args); err != nil {
				return err
			}
			return f.runServe(cmd.Context(), std, args)
		},
	}
	f.addServeFlags(cmd.Flags())
	return cmd
}

// serveFlags are the flags of the service; those about access are in guardFlags.
type serveFlags struct {
	source     *sourceFlags
	rendition  renditionFlags
	log        logFlags
	guard      guardFlags
	config     string
	ttl        time.Duration
	warm       bool
	cacheBytes units.Bytes
	ffmpeg     string
}

func (f *serveFlags) addServeFlags(flags *pflag.FlagSet) {
	f.guard.addGuardFlags(flags)
	flags.StringVar(&f.config, "config", "", "`file` read the streams from this file instead of the arguments")
	addTimeFlag(flags, &f.ttl, "ttl", serve.DefaultTTL, "`time` serve a picture again for this long")
	flags.BoolVar(&f.warm, "warm", false, "hold the streams open, so that pictures are ready at once")
	f.cacheBytes = serve.DefaultCacheBytes
	flags.TextVar(&f.cacheBytes, "cache-bytes", f.cacheBytes, "`size` keep at most this much of pictures in memory")
	flags.StringVar(&f.ffmpeg, "ffmpeg", "", ffmpegHelp)
	f.rendition.addRenditionFlags(flags)
	f.log.addLogFlags(flags, "standard error")
}

// checkServeFlags returns an error for flags that contradict each other.
func (f *serveFlags) checkServeFlags(flags *pflag.FlagSet, args []string) error {
	if err := f.source.refuseFlags(flags, "is for recordings"); err != nil {
		return err
	}
	if err := checkNamedStreams(args, f.config, "serve"); err != nil {
		return err
	}
	if f.ttl <= 0 {
		return usageError(errors.New("--ttl must be positive"))
	}
	return refuseStreamFlags(flags, f.config, serveFlagNames)
}

// loadStreams reads the configuration, or makes one of the arguments.
func (f *serveFlags) loadStreams(std *streams, args []string) (*config.File, error) {
	if f.config != "" {
		return config.Load(f.config)
	}
	options, err := f.source.streamOptions(std)
	if err != nil {
		return nil, err
	}
	options.Stdin = nil
	f.rendition.applyRendition(options)
	base := config.Stream{Stream: serve.Stream{Options: *options, Timeout: f.source.timeout, TTL: f.ttl}}
	if f.warm {
		base.Mode = serve.Warm
	}
	list, err := config.FromArguments(args, base, config.System())
	return &config.File{Limits: schedule.DefaultLimits, Streams: list}, err
}

func (f *serveFlags) runServe(ctx context.Context, std *streams, args []string) error {
	r := &program.Reloader{Path: cmp.Or(f.config, f.guard.auth)}
	if f.config != "" {
		r.Other = f.guard.auth
	}
	if r.Path != "" {
		defer r.Listen()()
	}

	file, err := f.loadStreams(std, args)
	if err != nil {
		return err
	}
	service, err := f.guard.applyTo(file.Service)
	if err != nil {
		return err
	}
	file.FFmpeg = cmp.Or(f.ffmpeg, file.FFmpeg)

	handler, logFile, err := f.log.newHandler(std.err, f.source)
	if err != nil {
		return err
	}
	defer logFile.Close()
	log := slog.New(handler)
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", service.Listen)
	if err != nil {
		return usageError(fmt.Errorf("--listen %s: %s", service.Listen, describeListen(err)))
	}
	s, err := f.newServer(file, service, l.Addr(), log)
	if err != nil {
		return errors.Join(err, l.Close())
	}

	f.guard.warnWithoutTLS(service, l.Addr(), log)
	scheme := "http"
	if service.TLS != (serve.TLS{}) {
		scheme = "https"
	}
	log.Info("listening", "url", scheme+"://"+l.Addr().String()+"/", "streams", len(file.Streams))
	r.Logger, r.Load = log, func() error { return f.reloadServer(s, l.Addr()) }

	var background sync.WaitGroup
	defer background.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if r.Path != "" {
		background.Go(func() { r.Run(ctx) })
	}
	err = s.Run(ctx, l)
	log.Info("stopped")
	return err
}

// describeListen puts the error of net.Listen into words.
func describeListen(err error) string {
	var malformed *net.AddrError
	var unknown *net.DNSError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "another program listens there; stop it, or choose another port"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "this machine has no such address"
	case errors.Is(err, syscall.EACCES):
		return "ports below 1024 need root or CAP_NET_BIND_SERVICE"
	case errors.As(err, &malformed), errors.As(err, &unknown):
		return "an address and a port are needed, such as 127.0.0.1:8080"
	}
	return neterror.Describe(err)
}

// newServer returns the server for a listener at that address.
func (f *serveFlags) newServer(file *config.File, service config.Service, at net.Addr, log *slog.Logger) (*serve.Server, error) {
	guard, err := f.guard.newGuard(service, at)
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

// reloadServer reads the configuration again. After an error, all stays as it was.
func (f *serveFlags) reloadServer(s *serve.Server, at net.Addr) error {
	file := &config.File{}
	if f.config != "" {
		var err error
		if file, err = config.Load(f.config); err != nil {
			return err
		}
	}
	service, err := f.guard.applyTo(file.Service)
	if err != nil {
		return err
	}
	guard, err := f.guard.newGuard(service, at)
	if err != nil {
		return err
	}
	if err := s.SetGuard(guard); err != nil || f.config == "" {
		return err
	}
	s.SetLimits(serve.Limits(file.Limits))
	return s.Set(servedStreams(file))
}
