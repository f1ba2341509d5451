package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab/internal/sleep"
)

// SoakConfig configures Soak.
type SoakConfig struct {
	Kfgrab  string
	Stream  string // URL of live HLS
	RTSP    string
	For     time.Duration
	Clients int
}

// SoakResult is the result of Soak.
type SoakResult struct {
	SoakConfig
	Samples  []SoakSample
	Statuses map[int]int // number of answers by status; 0 means no answer
}

// SoakSample is what the service uses at one moment. Under load, figures go up and down.
type SoakSample struct {
	At         time.Duration
	Goroutines int
	Cached     int64 // bytes of cached pictures
	processLook
}

const (
	// soakStreams is the number of HLS streams. There is one RTSP stream as well.
	soakStreams = 10
	// soakSamples is the number of samples.
	soakSamples = 20
	// flakyTurn is the length of a turn. Each stream is down in one of three turns.
	flakyTurn = 20 * time.Second
)

// Soak puts kfgrab serve under a mixed load while streams fail and come back.
func Soak(ctx context.Context, c SoakConfig) (*SoakResult, error) {
	front, stream, err := startFlakyProxy(c.Stream)
	if err != nil {
		return nil, err
	}
	defer front.Close()
	dir, err := os.MkdirTemp("", "kfgrab-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "streams.yaml")
	if err := os.WriteFile(path, []byte(soakConfig(&c, stream)), 0o600); err != nil {
		return nil, err
	}

	s, err := startService(ctx, c.Kfgrab, []string{"--config", path})
	if err != nil {
		return nil, err
	}
	defer s.stop()
	r := &SoakResult{SoakConfig: c, Statuses: map[int]int{}}
	return r, r.runClients(ctx, s)
}

// startFlakyProxy starts a proxy to the stream at rawURL. stream(n) is the stream under
// another URL, and each URL fails in one of three turns.
func startFlakyProxy(rawURL string) (front *httptest.Server, stream func(n int) string, err error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, nil, err
	}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: u.Scheme, Host: u.Host})
	began := time.Now()
	front = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n int
		var rest string
		fmt.Sscanf(r.URL.Path, "/%d/%s", &n, &rest) //nolint:errcheck // n stays 0 for other paths
		if turn := int(time.Since(began) / flakyTurn); (turn+n)%3 == 0 {
			http.Error(w, "down", []int{http.StatusServiceUnavailable, http.StatusNotFound}[n%2])
			return
		}
		r.URL.Path = "/" + rest
		proxy.ServeHTTP(w, r)
	}))
	return front, func(n int) string { return fmt.Sprintf("%s/%d%s", front.URL, n, u.Path) }, nil
}

func soakConfig(c *SoakConfig, stream func(n int) string) string {
	var b strings.Builder
	b.WriteString("limits: {total: 64, per_host: 64}\nstreams:\n")
	for n := range soakStreams {
		mode := [...]string{"mode: on_demand", "mode: on_demand, ttl: 1s", "mode: scheduled, every: 5s", "mode: warm", "mode: on_demand, width: 640"}[n%5]
		fmt.Fprintf(&b, "  - {name: s%d, url: %q, timeout: 5s, %s}\n", n, stream(n), mode)
	}
	fmt.Fprintf(&b, "  - {name: s%d, url: %q}\n", soakStreams, c.RTSP)
	return b.String()
}

// runClients samples the service while clients send requests.
func (r *SoakResult) runClients(ctx context.Context, s *service) error {
	load, cancel := context.WithTimeout(ctx, r.For)
	defer cancel()
	var clients sync.WaitGroup
	var mu sync.Mutex
	for range r.Clients {
		clients.Go(func() {
			for load.Err() == nil {
				status := s.askAnything(load)
				mu.Lock()
				r.Statuses[status]++
				mu.Unlock()
			}
		})
	}
	defer clients.Wait()

	for i := range soakSamples {
		if !sleep.For(load, r.For/soakSamples-r.For/soakSamples/100) {
			break
		}
		sample := SoakSample{At: r.For * time.Duration(i+1) / soakSamples, processLook: inspectProcess(s.cmd.Process.Pid)}
		if err := s.readInternals(ctx, &sample); err != nil {
			return err
		}
		r.Samples = append(r.Samples, sample)
	}
	return context.Cause(ctx)
}

// askAnything sends one of many kinds of requests and returns the status.
func (s *service) askAnything(ctx context.Context) (status int) {
	name := fmt.Sprintf("/streams/s%d", rand.N(soakStreams+1))
	paths := []string{
		name + "/snapshot.jpg?width=" + fmt.Sprint(64+rand.N(2000)), name + "/snapshot.jpg?fresh=1", name + "/snapshot.png?height=180",
		name + "/snapshot.mp4", name + "/snapshot.jpg?placeholder=1", name + "/snapshot.jpg?stale_if_error=60&width=320", name + "/snapshot.webp?width=160",
		name, "/streams", "/cache", name + "/nothing", name + "/snapshot.jpg?width=nonsense",
		name + "/mjpeg?width=320", name + "/mjpeg?every=1&width=160", name + "/events", "/events",
	}

	path := paths[rand.N(len(paths))]
	ctx, cancel := context.WithTimeout(ctx, time.Duration(1+rand.N(5))*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+path, nil)
	if err != nil {
		return 0
	}

	res, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	io.Copy(io.Discard, res.Body) //nolint:errcheck // some answers go on until ctx is done
	return res.StatusCode
}

// readInternals reads what the service reports about itself.
func (s *service) readInternals(ctx context.Context, to *SoakSample) error {
	cache, err := s.getPath(ctx, "/cache")
	if err != nil {
		return err
	}
	defer cache.Body.Close()
	var kept struct {
		Bytes int64 `json:"bytes"`
	}
	if err := json.NewDecoder(cache.Body).Decode(&kept); err != nil {
		return err
	}
	to.Cached = kept.Bytes
	metrics, err := s.getPath(ctx, "/metrics")
	if err != nil {
		return err
	}
	defer metrics.Body.Close()
	body, err := io.ReadAll(metrics.Body)
	for line := range strings.Lines(string(body)) {
		if _, e := fmt.Sscanf(line, "go_goroutines %d", &to.Goroutines); e == nil {
			return nil
		}
	}
	return errors.Join(err, errors.New("/metrics has no goroutines"))
}

// WriteTo writes the result in Markdown.
func (r *SoakResult) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%d clients for %v, %d streams that fail a third of the time:\n\n| at | memory, MB | cached pictures, MB | goroutines | threads | open files | processes |\n|--:|--:|--:|--:|--:|--:|--:|\n", r.Clients, r.For, soakStreams)
	for _, s := range r.Samples {
		fmt.Fprintf(&b, "| %v | %.1f | %.1f | %d | %d | %d | %d |\n", s.At.Round(time.Second), float64(s.Memory)/1e6, float64(s.Cached)/1e6, s.Goroutines, s.Threads, s.Files, s.Children)
	}
	fmt.Fprintf(&b, "\nAnswers by status: %v (0: the client left first)\n", r.Statuses)
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}
