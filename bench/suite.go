package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// Config configures Run. The zero value measures everything that is installed, three
// times.
type Config struct {
	Kfgrab      string   // path of the command; "" leaves out its contestants, except the second grab
	Cases       []string // by name; empty means all
	Contestants []string // by name; empty means all
	Repeats     int      // 0 means 3
	NoLatency   bool     // skip runs with added latency
	Tuning      bool     // measure attempts with ffmpeg's options as well
	// Progress is called before each run and each encoding; may be nil.
	Progress func(done, total int, what string)
}

const (
	defaultRepeats = 3
	runTimeout     = 30 * time.Second
)

// suite is the state of one call of Run.
type suite struct {
	Config
	media          *media
	dir, root      string // for logs; of the files to serve
	origin, client *peer
	counter        *peer // the side that counts
	headers        bool  // the count includes headers below HTTP
	addresses      map[string]string
	programs       map[string]string
	modified       time.Time
	done, total    int
	results        *Results
}

// Run measures. It returns errors of the suite only: a contestant's failure is in its
// row.
func Run(ctx context.Context, c Config) (*Results, error) {
	if c.Repeats == 0 {
		c.Repeats = defaultRepeats
	}
	if c.Progress == nil {
		c.Progress = func(int, int, string) {}
	}

	s := &suite{Config: c}
	var err error
	if s.media, err = makeMedia(ctx, func(what string) { c.Progress(0, 0, what) }); err != nil {
		return nil, err
	}

	if s.dir, err = os.MkdirTemp("", "kfgrab-bench-"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(s.dir)
	s.results = &Results{
		Began: time.Now().UTC().Truncate(time.Second), Repeats: c.Repeats, CPUs: runtime.NumCPU(),
		Versions: programVersions(c.Kfgrab), LeftOut: map[string]string{},
	}

	if err := s.startSides(canIsolate()); err != nil {
		return nil, errors.Join(err, s.stopSides())
	}
	defer context.AfterFunc(ctx, s.client.interrupt)()
	s.results.Load[0] = systemLoad()
	err = s.runJobs(ctx)
	s.results.Targets = judgeTargets(s.results.Rows)
	return s.results, errors.Join(err, s.stopSides())
}

// startSides starts both sides and joins them: with network namespaces, or if against
// gives a reason not to, on loopback.
func (s *suite) startSides(against error) error {
	s.root, s.modified = filepath.Join(s.dir, "root"), time.Now().Add(-time.Hour)
	if err := os.Mkdir(s.root, 0o755); err != nil {
		return err
	}
	if err := s.media.linkSets(s.root); err != nil {
		return err
	}

	isolated := against == nil
	var err error
	if s.origin, err = startPeer(originRole, isolated); err != nil {
		return err
	}

	if s.client, err = startPeer(clientRole, isolated); err != nil {
		return err
	}
	host := originHost
	if isolated {
		s.counter, s.headers = s.client, true
		s.results.Mode = fmt.Sprintf("two network namespaces joined by a veth, %d Mbit/s by tc tbf both ways; bytes are the contestants' interface's, headers included", LinkRate/1_000_000)
		err = joinNamespaces(s.origin.cmd.Process.Pid, s.client.cmd.Process.Pid)
	} else {
		s.counter, host = s.origin, "127.0.0.1"
		s.results.Mode = fmt.Sprintf("loopback with a counting proxy, %d Mbit/s by toxiproxy (%v); bytes are those of HTTP and TLS, without TCP/IP headers", LinkRate/1_000_000, against)
	}
	if err != nil {
		return err
	}

	a, err := s.origin.sendOrder(order{Op: "open", Dir: s.dir, Root: s.root, Host: host, Proxied: !isolated})
	s.addresses = a.Addresses
	self, selfErr := os.Executable()
	s.programs = map[string]string{kfgrabWord: s.Kfgrab, benchWord: self, go2rtcWord: findGo2rtc()}
	return errors.Join(err, selfErr)
}

func (s *suite) stopSides() error {
	var err error
	for _, p := range []*peer{s.client, s.origin} {
		if p != nil {
			err = errors.Join(err, p.close())
		}
	}
	return err
}
