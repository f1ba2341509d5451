package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ServeConfig configures MeasureServe.
type ServeConfig struct {
	Kfgrab    string        // path of the command
	Stream    string        // URL of live HLS of 1080p
	RTSP      string        // URL of a stream for the comparison with go2rtc
	For       time.Duration // of each load
	Clients   int           // connections of each load
	Crowd     int           // clients that want a fresh picture within one second
	Keyframes int           // to ask for, of a stream held open
	Viewers   int           // of MJPEG
}

// ServeResult is the result of MeasureServe.
type ServeResult struct {
	ServeConfig
	Loads         []ServeLoad
	Grabs         int64           // for all clients of the crowd
	Fresh         []time.Duration // from a new keyframe to its JPEG of 1080p
	Idle, Viewing int64           // bytes of memory without and with the viewers
	Streams       int64           // connections to the stream for them
}

// served is the path of the stream in the service.
const served = "/streams/live"

// MeasureServe runs kfgrab serve and requests what has to be fast. Service and clients
// share the machine.
func MeasureServe(ctx context.Context, c ServeConfig) (*ServeResult, error) {
	r := &ServeResult{ServeConfig: c}
	for _, part := range []struct {
		flags   []string
		measure func(context.Context, *service) error
	}{
		{[]string{"--ttl", "1h"}, r.measureCached}, {nil, r.measureCrowd}, {[]string{"--warm"}, r.measureFresh}, {nil, r.measureViewers},
	} {
		s, err := startService(ctx, c.Kfgrab, append(part.flags, "live="+c.Stream))
		if err != nil {
			return nil, err
		}
		err = part.measure(ctx, s)
		s.stop()
		if err != nil {
			return nil, err
		}
	}
	return r, r.comparePeers(ctx)
}

// service is a running kfgrab serve.
type service struct {
	cmd     *exec.Cmd
	address string
	ended   chan struct{}
}

// startService returns when the service listens. It discards the service's log.
func startService(ctx context.Context, kfgrab string, args []string) (*service, error) {
	s := &service{ended: make(chan struct{})}
	s.cmd = exec.CommandContext(ctx, kfgrab, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	log, err := s.cmd.StderrPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		return nil, err
	}

	lines := bufio.NewReader(log)
	line, err := lines.ReadString('\n')
	go func() {
		defer close(s.ended)
		io.Copy(io.Discard, lines) //nolint:errcheck // it ends with the process
		s.cmd.Wait()               //nolint:errcheck // it got a signal
	}()

	_, rest, found := strings.Cut(line, "http://")
	if !found {
		s.stop()
		return nil, errors.Join(err, fmt.Errorf("kfgrab serve: %s", strings.TrimSpace(line)))
	}
	s.address, _, _ = strings.Cut(rest, "/")
	return s, nil
}

func (s *service) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
	<-s.ended
}

// getPath requests path. The caller closes the answer's body.
func (s *service) getPath(ctx context.Context, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+path, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(r)
	if err == nil && res.StatusCode != http.StatusOK {
		res.Body.Close()
		err = fmt.Errorf("%s: %s", path, res.Status)
	}
	return res, err
}

// fetchPath requests path and discards the answer's body.
func (s *service) fetchPath(ctx context.Context, path string) (http.Header, error) {
	res, err := s.getPath(ctx, path)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.Header, err
}

// serveCounts is a part of the answer to GET /streams/{name}.
type serveCounts struct {
	Counts struct {
		Grabs    int64 `json:"grabs"`
		Captures int64 `json:"captures"`
		Failures int64 `json:"failures"`
	} `json:"counts"`
}

func (s *service) readCounts(ctx context.Context) (c serveCounts, err error) {
	res, err := s.getPath(ctx, served)
	if err != nil {
		return c, err
	}
	defer res.Body.Close()
	return c, json.NewDecoder(res.Body).Decode(&c)
}

// measureCached requests cached pictures.
func (r *ServeResult) measureCached(ctx context.Context, s *service) error {
	for _, load := range []struct {
		name, path string
		known      bool // the client has the picture
	}{
		{"cached, 640x360", served + "/snapshot.jpg?width=640", false},
		{"cached, 1920x1080", served + "/snapshot.jpg", false},
		{"not modified", served + "/snapshot.jpg?width=640", true},
	} {
		header, err := s.fetchPath(ctx, load.path)
		if err != nil {
			return err
		}
		condition := ""
		if load.known {
			condition = "If-None-Match: " + header.Get("ETag") + "\r\n"
		}
		l, err := measureLoad(ctx, s.address, load.path, condition, r.Clients, r.For)
		if err != nil {
			return fmt.Errorf("%s: %w", load.name, err)
		}
		l.Name = load.name
		r.Loads = append(r.Loads, *l)
	}
	return nil
}

// measureCrowd lets many clients ask for a fresh picture within one second.
func (r *ServeResult) measureCrowd(ctx context.Context, s *service) error {
	errs := make(chan error, r.Crowd)
	began := time.Now()
	for i := range r.Crowd {
		go func() {
			time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(r.Crowd))))
			_, err := s.fetchPath(ctx, served+"/snapshot.jpg?fresh=1&width=640")
			errs <- err
		}()
	}

	for range r.Crowd {
		if err := <-errs; err != nil {
			return err
		}
	}
	c, err := s.readCounts(ctx)
	r.Grabs = c.Counts.Grabs
	return err
}

// measureFresh requests each keyframe as soon as its event arrives.
func (r *ServeResult) measureFresh(ctx context.Context, s *service) error {
	events, err := s.getPath(ctx, served+"/events")
	if err != nil {
		return err
	}
	defer events.Body.Close()
	lines := bufio.NewReader(events.Body)

	for first := true; len(r.Fresh) < r.Keyframes; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		if line != "event: picture\n" {
			continue
		}
		began := time.Now()
		if _, err := s.fetchPath(ctx, served+"/snapshot.jpg?fresh=1"); err != nil {
			return err
		}
		if !first { // the first one starts the decoder
			r.Fresh = append(r.Fresh, time.Since(began))
		}
		first = false
	}
	return nil
}

// measureViewers starts many viewers and reads the service's memory when each has had
// three pictures.
func (r *ServeResult) measureViewers(ctx context.Context, s *service) error {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	one, stop := context.WithCancel(ctx)
	if err := s.watchMJPEG(one, 1, stop); one.Err() == nil {
		stop()
		return err
	}

	r.Idle = inspectProcess(s.cmd.Process.Pid).Memory
	seen := make(chan error, 2*r.Viewers)
	for range r.Viewers {
		all.Go(func() {
			if err := s.watchMJPEG(ctx, 3, func() { seen <- nil }); ctx.Err() == nil {
				seen <- err
			}
		})
	}

	for range r.Viewers {
		if err := <-seen; err != nil {
			return err
		}
	}

	r.Viewing = inspectProcess(s.cmd.Process.Pid).Memory
	c, err := s.readCounts(ctx)
	r.Streams = c.Counts.Grabs - c.Counts.Captures + 1
	return err
}

// WriteTo writes the result in Markdown.
func (r *ServeResult) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%d connections unless stated otherwise; service and clients share the processors:\n\n| | status | bytes | requests/s | median | 99 %% | most |\n|---|--:|--:|--:|--:|--:|--:|\n", r.Clients)
	for _, l := range r.Loads {
		fmt.Fprintf(&b, "| %s | %d | %d | %.1f | %v | %v | %v |\n", l.Name, l.Status, l.Bytes, float64(len(l.Took))/l.For.Seconds(),
			roundShort(quantile(l.Took, 0.5)), roundShort(quantile(l.Took, 0.99)), roundShort(quantile(l.Took, 1)))
	}
	fmt.Fprintf(&b, "\n- %d clients asked for a fresh picture within one second: %d grab(s).\n", r.Crowd, r.Grabs)
	fmt.Fprintf(&b, "- From a new keyframe of a stream held open to its JPEG of 1920x1080: median %v, longest %v, of %d.\n", roundShort(quantile(r.Fresh, 0.5)), roundShort(quantile(r.Fresh, 1)), len(r.Fresh))
	fmt.Fprintf(&b, "- %d viewers of MJPEG: %d connection(s) to the stream, memory %.1f MB, without them %.1f MB: %.1f kB each.\n",
		r.Viewers, r.Streams, float64(r.Viewing)/1e6, float64(r.Idle)/1e6, float64(r.Viewing-r.Idle)/1e3/float64(max(1, r.Viewers)))
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

func roundShort(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
