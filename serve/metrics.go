package serve

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/kfgrab/kfgrab"
)

// guestLabel is what all streams that ?url= names have for a name. No other has it: a
// label is never what a stranger may choose.
const guestLabel = "?url"

// metrics are what is counted where it happens. All else is read off when it is asked for.
type metrics struct {
	requests *prometheus.CounterVec
	answered *prometheus.HistogramVec
	refused  *prometheus.CounterVec
	grabbed  prometheus.Histogram
	rendered prometheus.Histogram
	show     http.Handler
	registry *prometheus.Registry
}

// Bounds of histograms, in seconds: of what is there already, and of what is fetched or
// decoded first.
var (
	answerBounds = []float64{.0001, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	workBounds   = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
)

// maxScrapes is how many may read the metrics at once.
const maxScrapes = 4

func newMetrics(s *Server) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kfgrab_http_requests_total", Help: "Requests answered, by route and status.",
		}, []string{"route", "status"}),
		answered: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "kfgrab_http_request_duration_seconds", Help: "Time to answer a request, by route, without those that last as long as the client stays.", Buckets: answerBounds,
		}, []string{"route"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kfgrab_http_refused_total", Help: "Requests refused before they got to a route, by reason.",
		}, []string{"reason"}),
		grabbed: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "kfgrab_grab_duration_seconds", Help: "Time to fetch a keyframe, or to fail.", Buckets: workBounds,
		}),
		rendered: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "kfgrab_render_duration_seconds", Help: "Time to make a picture of a keyframe.", Buckets: workBounds,
		}),
		registry: prometheus.NewRegistry(),
	}
	m.registry.MustRegister(
		m.requests, m.answered, m.refused, m.grabbed, m.rendered, (*reading)(s),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.show = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes})
	return m
}

// answer counts one.
func (m *metrics) answer(a *answer, took time.Duration) {
	_, route, found := strings.Cut(a.request.Pattern, " ")
	if !found {
		route = "none"
	}
	m.requests.WithLabelValues(route, strconv.Itoa(a.status)).Inc()
	if !strings.HasSuffix(route, "/mjpeg") && !strings.HasSuffix(route, "/events") {
		m.answered.WithLabelValues(route).Observe(took.Seconds())
	}
}

// showMetrics answers GET /metrics.
func (s *Server) showMetrics(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	s.metrics.show.ServeHTTP(w, r)
	return nil
}

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("kfgrab_"+name, help, labels, nil)
}

var (
	buildInfo     = gauge("build_info", "1, with the program's name and version.", "software")
	streamsDesc   = gauge("streams", "Streams in the configuration.")
	grabsDesc     = gauge("grabs_total", "Grabs that ended, by stream and outcome: ok, unchanged, or what went wrong.", "stream", "outcome")
	bytesDesc     = gauge("stream_received_bytes_total", "Bytes that came through the sockets, by stream.", "stream")
	ageDesc       = gauge("picture_age_seconds", "Time since the last picture was found to be the newest, by stream.", "stream")
	failingDesc   = gauge("stream_failing", "1 where the last grab failed, by stream.", "stream")
	sessionsDesc  = gauge("sessions", "Streams that are held open.")
	viewersDesc   = gauge("viewers", "Clients that watch live keyframes; a stream that is warm counts as one.")
	guestsDesc    = gauge("guests", "Streams that are known by ?url= alone.")
	connsDesc     = gauge("http_connections", "Connections of clients.")
	decodedDesc   = gauge("decoded_pictures_total", "Keyframes decoded, by whether the process stays up for the next (warm) or not (alone).", "process")
	startedDesc   = gauge("decoder_processes_started_total", "Decoder processes started that were to stay up.")
	discardedDesc = gauge("decoder_processes_discarded_total", "Of those, the ones given up for what they did or did not.")
	cacheDesc     = gauge("cache_lookups_total", "Pictures looked for in the cache, by result.", "result")
	evictedDesc   = gauge("cache_evicted_total", "Pictures that went for others.")
	picturesDesc  = gauge("cache_pictures", "Pictures in the cache.")
	keptDesc      = gauge("cache_bytes", "Bytes of the pictures in the cache.")
)

// reading is a Server as the metrics read it.
type reading Server

// Describe implements prometheus.Collector.
func (r *reading) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		buildInfo, streamsDesc, grabsDesc, bytesDesc, ageDesc, failingDesc, sessionsDesc, viewersDesc, guestsDesc, connsDesc,
		decodedDesc, startedDesc, discardedDesc, cacheDesc, evictedDesc, picturesDesc, keptDesc,
	} {
		ch <- d
	}
}

// samples takes what is read.
type samples chan<- prometheus.Metric

func (s samples) gauge(d *prometheus.Desc, v float64, labels ...string) {
	s <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (s samples) counter(d *prometheus.Desc, n int64, labels ...string) {
	s <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

// Collect implements prometheus.Collector.
func (r *reading) Collect(ch chan<- prometheus.Metric) {
	s, to := (*Server)(r), samples(ch)
	list := s.streams.Load().list
	to.gauge(buildInfo, 1, s.opt.Software)
	to.gauge(streamsDesc, float64(len(list)))
	to.gauge(connsDesc, float64(s.connections()))
	sessions, viewers := 0, 0
	for _, c := range list {
		held, watching := c.collect(to)
		viewers += watching
		if held {
			sessions++
		}
	}
	to.gauge(sessionsDesc, float64(sessions))
	to.gauge(viewersDesc, float64(viewers))
	s.guests.collect(to)
	s.collectCache(to)
	stats := s.pool.Stats()
	to.counter(decodedDesc, stats.Warm, "warm")
	to.counter(decodedDesc, stats.Alone, "alone")
	to.counter(startedDesc, stats.Started)
	to.counter(discardedDesc, stats.Discarded)
}

func (s *Server) collectCache(to samples) {
	pictures, bytes, stats := s.cache.total()
	ofGuests, guestBytes, guestStats := s.guestCache.total()
	to.counter(cacheDesc, stats.hits+guestStats.hits, "hit")
	to.counter(cacheDesc, stats.misses+guestStats.misses, "miss")
	to.counter(evictedDesc, stats.evicted+guestStats.evicted)
	to.gauge(picturesDesc, float64(pictures+ofGuests))
	to.gauge(keptDesc, float64(bytes+guestBytes))
}

// collect says whether the stream is held open, too, and how many watch.
func (c *camera) collect(to samples) (held bool, viewers int) {
	c.mu.Lock()
	n, age, known, failing := c.counts, time.Since(c.confirmed), c.last != nil && !c.confirmed.IsZero(), c.failed != nil
	held, viewers = c.unfollow != nil, c.viewers
	c.mu.Unlock()
	n.collect(to, c.conf.Name)
	if known {
		to.gauge(ageDesc, age.Seconds(), c.conf.Name)
	}
	down := 0.0
	if failing {
		down = 1
	}
	to.gauge(failingDesc, down, c.conf.Name)
	return held, viewers
}

func (g *guests) collect(to samples) {
	n := g.counted()
	n.collect(to, guestLabel)
	g.mu.Lock()
	defer g.mu.Unlock()
	to.gauge(guestsDesc, float64(g.order.Len()))
}

func (c *counts) collect(to samples, stream string) {
	to.counter(bytesDesc, c.bytes, stream)
	to.counter(grabsDesc, c.grabs-c.failures-c.unchanged, stream, kfgrab.OK.String())
	to.counter(grabsDesc, c.unchanged, stream, "unchanged")
	for class, n := range c.failed {
		if n > 0 {
			to.counter(grabsDesc, n, stream, kfgrab.Class(class).String())
		}
	}
}
