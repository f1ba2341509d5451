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

// guestLabel names all streams that ?url= has named. No stream has this name,
// and a stranger can't choose a label.
const guestLabel = "?url"

// metrics counts events. collector reads everything else on each scrape.
type metrics struct {
	requests *prometheus.CounterVec
	answered *prometheus.HistogramVec
	refused  *prometheus.CounterVec
	grabbed  prometheus.Histogram
	rendered prometheus.Histogram
	handler  http.Handler
	registry *prometheus.Registry
}

// Bounds of histograms, in seconds: answers are often ready, while grabs and
// renderings take time.
var (
	answerBounds = []float64{.0001, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	workBounds   = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
)

// maxScrapes is how many clients may read the metrics at once.
const maxScrapes = 4

func newMetrics(s *Server) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kfgrab_http_requests_total", Help: "Requests answered, by route and status.",
		}, []string{"route", "status"}),
		answered: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "kfgrab_http_request_duration_seconds", Help: "Time to answer a request, by route, except MJPEGs and events.", Buckets: answerBounds,
		}, []string{"route"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kfgrab_http_refused_total", Help: "Requests refused before they reached a route, by reason.",
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
		m.requests, m.answered, m.refused, m.grabbed, m.rendered, (*collector)(s),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes})
	return m
}

func (m *metrics) countAnswer(a *answer, took time.Duration) {
	_, route, found := strings.Cut(a.request.Pattern, " ")
	if !found {
		route = "none"
	}
	m.requests.WithLabelValues(route, strconv.Itoa(a.status)).Inc()
	if !isLasting(route) {
		m.answered.WithLabelValues(route).Observe(took.Seconds())
	}
}

func (m *metrics) observeRender(took time.Duration) { m.rendered.Observe(took.Seconds()) }

// serveMetrics answers GET /metrics.
func (s *Server) serveMetrics(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	s.metrics.handler.ServeHTTP(w, r)
	return nil
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("kfgrab_"+name, help, labels, nil)
}

var (
	buildInfo     = describe("build_info", "1, with the program's name and version.", "software")
	streamsDesc   = describe("streams", "Streams in the configuration.")
	grabsDesc     = describe("grabs_total", "Grabs that ended, by stream and outcome: ok, unchanged, or a class of error.", "stream", "outcome")
	bytesDesc     = describe("stream_received_bytes_total", "Bytes received through the sockets, by stream.", "stream")
	ageDesc       = describe("picture_age_seconds", "Time since the last picture was found to be the newest, by stream.", "stream")
	failingDesc   = describe("stream_failing", "1 if the last grab failed, by stream.", "stream")
	sessionsDesc  = describe("sessions", "Streams that are held open.")
	viewersDesc   = describe("viewers", "Clients that watch live keyframes; a warm stream counts as one.")
	guestsDesc    = describe("guests", "Streams that only ?url= has named.")
	connsDesc     = describe("http_connections", "Connections of clients.")
	decodedDesc   = describe("decoded_pictures_total", "Keyframes decoded, by a process that keeps running (warm) or one of their own (alone).", "process")
	startedDesc   = describe("decoder_processes_started_total", "Decoder processes started to keep running.")
	discardedDesc = describe("decoder_processes_discarded_total", "Decoder processes ended early because they misbehaved.")
	cacheDesc     = describe("cache_lookups_total", "Pictures looked up in the cache, by result.", "result")
	evictedDesc   = describe("cache_evicted_total", "Pictures removed from the cache to make room.")
	picturesDesc  = describe("cache_pictures", "Pictures in the cache.")
	keptDesc      = describe("cache_bytes", "Bytes of the pictures in the cache.")
)

// collector is a Server that Prometheus reads.
type collector Server

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		buildInfo, streamsDesc, grabsDesc, bytesDesc, ageDesc, failingDesc, sessionsDesc, viewersDesc, guestsDesc, connsDesc,
		decodedDesc, startedDesc, discardedDesc, cacheDesc, evictedDesc, picturesDesc, keptDesc,
	} {
		ch <- d
	}
}

// samples receives the values read.
type samples chan<- prometheus.Metric

func (s samples) gauge(d *prometheus.Desc, v float64, labels ...string) {
	s <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (s samples) counter(d *prometheus.Desc, n int64, labels ...string) {
	s <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	s, to := (*Server)(c), samples(ch)
	to.gauge(buildInfo, 1, s.opt.Software)
	to.gauge(connsDesc, float64(s.endpoint.countConnections()))

	list := s.streams.Load().list
	sessions, viewers := 0, 0
	for _, c := range list {
		now := c.Status()
		to.addStream(c.conf.Name, &now)
		viewers += now.viewers
		if now.followed {
			sessions++
		}
	}
	to.gauge(streamsDesc, float64(len(list)))
	to.gauge(sessionsDesc, float64(sessions))
	to.gauge(viewersDesc, float64(viewers))
	n, sum := s.guests.sumCounts()
	to.gauge(guestsDesc, float64(n))
	to.addCounts(guestLabel, &sum)

	to.addCaches(s.pictures.cache, s.pictures.guestCache)
	stats := s.pictures.pool.Stats()
	to.counter(decodedDesc, stats.Warm, "warm")
	to.counter(decodedDesc, stats.Alone, "alone")
	to.counter(startedDesc, stats.Started)
	to.counter(discardedDesc, stats.Discarded)
}

func (s samples) addStream(name string, now *status) {
	s.addCounts(name, &now.counts)
	if now.last != nil && !now.confirmed.IsZero() {
		s.gauge(ageDesc, time.Since(now.confirmed).Seconds(), name)
	}
	failing := 0.0
	if now.failure != nil {
		failing = 1
	}
	s.gauge(failingDesc, failing, name)
}

func (s samples) addCounts(stream string, c *counts) {
	s.counter(bytesDesc, c.bytes, stream)
	s.counter(grabsDesc, c.grabs-c.failures-c.unchanged, stream, kfgrab.OK.String())
	s.counter(grabsDesc, c.unchanged, stream, "unchanged")
	for class, n := range c.failed {
		if n > 0 {
			s.counter(grabsDesc, n, stream, kfgrab.Class(class).String())
		}
	}
}

// addCaches adds the sums of several caches.
func (s samples) addCaches(caches ...*cache) {
	var pictures int
	var bytes int64
	var sum cacheStats
	for _, c := range caches {
		n, size, stats := c.total()
		pictures += n
		bytes += size
		sum.hits += stats.hits
		sum.misses += stats.misses
		sum.evicted += stats.evicted
	}

	s.counter(cacheDesc, sum.hits, "hit")
	s.counter(cacheDesc, sum.misses, "miss")
	s.counter(evictedDesc, sum.evicted)
	s.gauge(picturesDesc, float64(pictures))
	s.gauge(keptDesc, float64(bytes))
}
