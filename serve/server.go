package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/schedule"
)

// DefaultCacheBytes holds about 1,500 pictures of 640x360, or 300 of 1920x1080.
const DefaultCacheBytes = 64 << 20

const (
	headerTimeout = 10 * time.Second // for the header of a request
	readTimeout   = 30 * time.Second // for the whole request
	keepAliveTime = 2 * time.Minute  // between two requests of a connection
	// writeTimeout is for an answer whose bytes are ready, or for one picture of
	// many.
	writeTimeout = 30 * time.Second
	// maxHeader is four times what browsers send, cookies included.
	maxHeader = 16 << 10
	// maxConcurrentStreams bounds the requests of one HTTP/2 connection.
	maxConcurrentStreams = 100
	// graceTime is how long a shutdown waits for answers under way.
	graceTime = 10 * time.Second
)

// Options are the settings of a Server.
type Options struct {
	Streams []Stream
	Limits  Limits // of grabs at once; 64 in total and 8 per host if zero

	Decoder    decode.Decoder
	CacheBytes int64 // of pictures; DefaultCacheBytes if 0

	// Guard restricts access. TLS holds the paths of a certificate for Run, which
	// reads the files again when they change; without it, Run speaks plain HTTP.
	Guard Guard
	TLS   TLS
	// Connections bounds the connections of Run, of which one client on another
	// machine gets at most half. DefaultConnections if 0.
	Connections int

	// Software names the program in pictures and reports, such as "kfgrab/1.0".
	Software string

	// Logger gets a line for each request, without its query; may be nil.
	Logger *slog.Logger
}

// times bound how long a client may take.
type times struct {
	header, read, write, keepAlive time.Duration
}

var usualTimes = times{headerTimeout, readTimeout, writeTimeout, keepAliveTime}

// Server is an http.Handler. Its methods may be called by several goroutines.
type Server struct {
	opt     Options
	times   times
	handler http.Handler
	metrics *metrics

	guard    atomic.Pointer[guard]
	streams  atomic.Pointer[roster]
	replaced signal // streams was
	changed  signal // the status of any stream has

	workshop *workshop
	pictures *renderer
	guests   guests
	endpoint endpoint
	run      lifecycle
}

// lifecycle is where a Server stands between New and the end of Close.
type lifecycle struct {
	closing chan struct{} // closed when answers that last must end
	close   func()        // closes it

	mu     sync.Mutex // held by Set, SetGuard, Start and Close until they return
	closed bool
	stop   context.CancelFunc // ends the background work
	done   chan struct{}      // closed when it has ended; nil before Start
}

// New returns a service of these streams. There is no I/O before Start or the
// first request. The error wraps kfgrab.ErrUsage. The Server must be closed.
func New(o *Options) (*Server, error) {
	s := &Server{opt: *o, times: usualTimes}
	if s.opt.Limits == (Limits{}) {
		s.opt.Limits = Limits(schedule.DefaultLimits)
	}
	s.opt.CacheBytes = cmp.Or(s.opt.CacheBytes, DefaultCacheBytes)
	if s.opt.Logger == nil {
		s.opt.Logger = slog.New(slog.DiscardHandler)
	}

	s.run.closing = make(chan struct{})
	s.run.close = sync.OnceFunc(func() { close(s.run.closing) })
	s.pictures = newRenderer(&s.opt)
	s.workshop = &workshop{
		gate: schedule.NewGate(schedule.Limits(s.opt.Limits)), pool: s.pictures.pool, software: s.opt.Software,
		onGrab: s.countGrab, onChange: s.noteChange,
	}
	s.streams.Store(&roster{})
	s.metrics = newMetrics(s)
	s.handler = s.logRequests(s.checkAccess(s.routes()))

	if err := s.SetGuard(o.Guard); err != nil {
		return nil, err
	}

	s.endpoint.most = o.Connections
	if o.TLS != (TLS{}) {
		var err error
		if s.endpoint.certificate, err = newCertificate(o.TLS, s.opt.Logger); err != nil {
			return nil, err
		}
	}
	return s, s.Set(o.Streams)
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Start begins the work that needs no requests, until ctx is done or Close is
// called: it grabs scheduled streams and holds warm ones open. Call it once.
func (s *Server) Start(ctx context.Context) {
	s.run.mu.Lock()
	defer s.run.mu.Unlock()
	if s.run.done != nil || s.run.closed {
		return
	}
	ctx, s.run.stop = context.WithCancel(ctx)
	s.run.done = make(chan struct{})
	go func() {
		defer close(s.run.done)
		s.runSchedule(ctx)
	}()
}

// Run serves l until ctx is done. It then gives answers under way ten seconds
// to finish, and closes the Server. The error is that of l.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	s.Start(ctx)
	defer s.Close()

	web := &http.Server{
		Handler: s, ReadHeaderTimeout: s.times.header, ReadTimeout: s.times.read, WriteTimeout: s.times.write,
		IdleTimeout: s.times.keepAlive, MaxHeaderBytes: maxHeader,
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: maxConcurrentStreams},
		ErrorLog: slog.NewLogLogger(s.opt.Logger.Handler(), slog.LevelDebug),
	}

	web.RegisterOnShutdown(s.run.close)
	ended := make(chan error, 1)
	go func() { ended <- s.endpoint.serve(web, l) }()

	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceTime)
	defer cancel()

	err := web.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = web.Close()
	}
	<-ended
	return err
}

// Close ends everything, connections to streams included, and returns when it
// has ended. Later requests fail.
func (s *Server) Close() error {
	s.run.close()
	s.run.mu.Lock()
	defer s.run.mu.Unlock()
	s.run.closed = true
	if s.run.done != nil {
		s.run.stop()
		<-s.run.done
	}
	closeAll(s.streams.Load().list)
	s.guests.close()
	return s.pictures.close()
}
