package serve

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/schedule"
)

// DefaultCacheBytes holds some 1,500 pictures of 640x360, or 300 of 1920x1080.
const DefaultCacheBytes = 64 << 20

const (
	headerTimeout = 10 * time.Second // for the lines of a request
	readTimeout   = 30 * time.Second // for the whole of it
	idleTimeout   = 2 * time.Minute  // between two requests of a connection
	// writeTimeout is for an answer whose bytes are there, or for one picture of many.
	writeTimeout = 30 * time.Second
	// maxHeader is four times what browsers send with their cookies for a host.
	maxHeader = 16 << 10
	// maxConcurrentStreams are the requests of one connection of HTTP/2.
	maxConcurrentStreams = 100
	// graceTime is how long a shutdown waits for answers that are under way.
	graceTime = 10 * time.Second
)

// Options are the settings of a Server.
type Options struct {
	Streams []Stream
	Limits  Limits // of grabs at once; 64 in total and 8 per host if zero

	Decoder    decode.Decoder
	CacheBytes int64 // of renderings; DefaultCacheBytes where 0

	// Guard says who is answered, and TLS is the paths of a certificate for Run, read
	// again when they change; without them Run speaks plain HTTP.
	Guard Guard
	TLS   TLS
	// Connections bounds those of Run, of which a single client of another machine gets
	// half; DefaultConnections where 0.
	Connections int

	// Software is what the service and its pictures name as their maker, such as
	// "kfgrab/1.0".
	Software string

	// Logger takes a line for each request, without its query; may be nil.
	Logger *slog.Logger
}

// times are how long a client may take.
type times struct {
	header, read, write, idle time.Duration
}

var usualTimes = times{headerTimeout, readTimeout, writeTimeout, idleTimeout}

// Server is an http.Handler. Its methods may be called from several goroutines.
type Server struct {
	opt      Options
	gate     *schedule.Gate
	pool     *decode.Pool
	cache    *cache
	drawings *cache // placeholders: they take no room from pictures
	seed     maphash.Seed
	renders  group[rendering, []byte]
	tools    tools
	times    times
	handler  http.Handler
	changed  signal        // something has, of any stream
	replaced signal        // streams
	closing  chan struct{} // closed when those who watch are to go
	close    func()        // closes it

	guard       atomic.Pointer[guard]
	metrics     *metrics
	guests      guests
	guestCache  *cache
	certificate *certificate // nil without TLS
	listener    atomic.Pointer[boundedListener]

	streams atomic.Pointer[roster]

	mu     sync.Mutex // of Set, Start and Close
	closed bool
	stop   context.CancelFunc
	done   chan struct{} // closed when nothing goes on in the background
}

// New returns the service of these streams. There is no I/O before Start or the first
// request. The error wraps kfgrab.ErrUsage. The Server must be closed.
func New(o *Options) (*Server, error) {
	s := &Server{opt: *o, seed: maphash.MakeSeed(), closing: make(chan struct{}), times: usualTimes}
	if s.opt.Limits == (Limits{}) {
		s.opt.Limits = Limits(schedule.DefaultLimits)
	}
	if s.opt.CacheBytes == 0 {
		s.opt.CacheBytes = DefaultCacheBytes
	}
	if s.opt.Logger == nil {
		s.opt.Logger = slog.New(slog.DiscardHandler)
	}
	s.close = sync.OnceFunc(func() { close(s.closing) })
	s.gate = schedule.NewGate(schedule.Limits(s.opt.Limits))
	s.pool = &decode.Pool{Decoder: o.Decoder}
	s.cache, s.drawings = newCache(s.opt.CacheBytes), newCache(drawnBytes)
	s.guestCache = newCache(s.opt.CacheBytes / guestShare)
	s.streams.Store(&roster{})
	s.metrics = newMetrics(s)
	s.handler = s.logged(s.guarded(s.routes()))
	if err := s.SetGuard(o.Guard); err != nil {
		return nil, err
	}
	if o.TLS != (TLS{}) {
		var err error
		if s.certificate, err = newCertificate(o.TLS, s.opt.Logger); err != nil {
			return nil, err
		}
	}
	return s, s.Set(o.Streams)
}

// routes are all there are. What a pattern does not match is told of by logged.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h handler) { mux.Handle(pattern, s.problems(h)) }
	show := func(pattern string, h handler) { mux.Handle(pattern, s.problems(s.placeholders(h))) }

	handle("GET /{$}", s.wall)
	handle("GET /streams/{name}/view", s.ofStream(s.view))
	handle("GET /assets/{file}", s.asset)
	handle("GET /openapi.json", s.openAPI)

	handle("GET /streams", s.listStreams)
	handle("GET /streams/{name}", s.ofStream(s.showStream))
	show("GET /streams/{name}/snapshot", s.ofStream(s.negotiated))
	show("GET /streams/{name}/{file}", s.ofStream(s.snapshotFile))

	handle("GET /streams/{name}/mjpeg", s.ofStream(s.mjpeg))
	handle("GET /streams/{name}/events", s.ofStream(s.streamEvents))
	handle("GET /events", s.allEvents)

	handle("GET /cache", s.showCache)
	handle("DELETE /cache", s.clearCache)
	handle("DELETE /cache/{name}", s.ofStream(s.clearStream))

	show("GET /snapshot", s.adhoc(s.negotiated))
	for _, ending := range endings {
		show("GET /snapshot"+ending, s.adhoc(s.adhocFile))
	}
	show("GET /latest.jpg", s.byURL(s.legacy(s.legacySnapshot), s.legacySnapshot))
	show("GET /stream/snapshot", s.byURL(s.legacy(s.legacySnapshot), s.legacySnapshot))
	handle("GET /stream/view", s.legacy(s.legacyView))
	handle("GET /stream/info", s.legacy(s.showStream))
	handle("GET /stream/cache", s.legacy(s.legacyCache))
	handle("GET /stream/cache/clear", s.legacy(s.legacyClear))
	handle("POST /stream/cache/clear", s.legacy(s.legacyClear))

	handle("GET /healthz", s.healthy)
	handle("GET /readyz", s.ready)
	handle("GET /metrics", s.forAll(s.showMetrics))
	return mux
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Start begins what goes on without requests: the grabs of scheduled streams and the
// reception of warm ones, until ctx is done or Close. It is to be called once.
func (s *Server) Start(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done != nil || s.closed {
		return
	}
	ctx, s.stop = context.WithCancel(ctx)
	s.done = make(chan struct{})
	go func() {
		defer close(s.done)
		s.background(ctx)
	}()
}

// Run serves l until ctx is done, and then lets those finish who have asked already, for
// ten seconds at most. The Server is closed when it returns. The error is that of l.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	s.Start(ctx)
	defer s.Close()
	web := &http.Server{
		Handler: s, ReadHeaderTimeout: s.times.header, ReadTimeout: s.times.read, WriteTimeout: s.times.write,
		IdleTimeout: s.times.idle, MaxHeaderBytes: maxHeader,
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: maxConcurrentStreams},
		ErrorLog: slog.NewLogLogger(s.opt.Logger.Handler(), slog.LevelDebug),
	}
	web.RegisterOnShutdown(s.close)
	ended := make(chan error, 1)
	go func() { ended <- s.listen(web, l) }()
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

// listen serves l until web is shut down.
func (s *Server) listen(web *http.Server, l net.Listener) error {
	most := s.opt.Connections
	if most == 0 {
		most = DefaultConnections
	}
	bounded := newBoundedListener(l, most)
	s.listener.Store(bounded)
	if s.certificate == nil {
		return web.Serve(bounded)
	}
	web.TLSConfig = s.certificate.config()
	return web.ServeTLS(bounded, "", "")
}

// connections returns the number of those of Run.
func (s *Server) connections() int {
	if l := s.listener.Load(); l != nil {
		return l.count()
	}
	return 0
}

// Close ends all that goes on, connections to streams among it, and returns when it has
// ended. Requests from then on fail.
func (s *Server) Close() error {
	s.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.done != nil {
		s.stop()
		<-s.done
	}
	closeAll(s.streams.Load().list)
	s.guests.close()
	s.renders.close()
	return s.pool.Close()
}
