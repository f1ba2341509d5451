package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab"
)

// Config says what to measure. The zero value measures everything that is
// installed, three times.
type Config struct {
	Kfgrab      string   // the command's path; "" leaves its contestants out but the second grab
	Cases       []string // by name; none stands for all
	Contestants []string // by name; none stands for all
	Repeats     int      // 0 stands for 3
	NoLatency   bool     // leave out the runs with added latency
	Tuning      bool     // measure ffmpeg's options as well
	// Progress is told of each run, and of what is made before; may be nil.
	Progress func(done, total int, what string)
}

const (
	defaultRepeats = 3
	runTimeout     = 30 * time.Second
)

// suite is a run of Run.
type suite struct {
	Config
	media          *media
	dir, root      string // of logs; of what is served
	origin, client *peer
	counter        *peer // the side that counts
	headers        bool  // the count has headers below HTTP's in it
	addresses      map[string]string
	programs       map[string]string
	modified       time.Time
	done, total    int
	results        *Results
}

// Run measures. The error is of the suite: what contestants fail at is in their
// rows.
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
		Versions: versions(), LeftOut: map[string]string{},
	}
	if err := s.open(canIsolate()); err != nil {
		return nil, errors.Join(err, s.close())
	}
	defer context.AfterFunc(ctx, s.client.interrupt)()
	s.results.Load[0] = load()
	err = s.measure(ctx)
	s.results.Targets = judge(s.results.Rows)
	return s.results, errors.Join(err, s.close())
}

// open starts both sides and joins them, by loopback where something speaks
// against namespaces of their own.
func (s *suite) open(against error) error {
	s.root, s.modified = filepath.Join(s.dir, "root"), time.Now().Add(-time.Hour)
	if err := os.Mkdir(s.root, 0o755); err != nil {
		return err
	}
	if err := s.media.link(s.root); err != nil {
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
		s.results.Mode = fmt.Sprintf("loopback behind a counting proxy, %d Mbit/s by toxiproxy (%v); bytes are those of HTTP and TLS, without TCP/IP headers", LinkRate/1_000_000, against)
	}
	if err != nil {
		return err
	}
	a, err := s.origin.ask(order{Op: "open", Dir: s.dir, Root: s.root, Host: host, Proxied: !isolated})
	s.addresses = a.Addresses
	self, selfErr := os.Executable()
	s.programs = map[string]string{kfgrabWord: s.Kfgrab, benchWord: self, go2rtcWord: findGo2rtc()}
	return errors.Join(err, selfErr)
}

func (s *suite) close() error {
	var err error
	for _, p := range []*peer{s.client, s.origin} {
		if p != nil {
			err = errors.Join(err, p.close())
		}
	}
	return err
}

// job is a case at a server, for the contestants that take part.
type job struct {
	Case
	server  string
	latency time.Duration
	who     []Contestant
	tuning  bool
}

// measure runs all jobs.
func (s *suite) measure(ctx context.Context) error {
	jobs := s.jobs()
	for _, j := range jobs {
		s.total += len(j.who) * s.Repeats
	}
	for _, j := range jobs {
		if err := s.run(ctx, j); err != nil {
			return fmt.Errorf("%s: %w", j.Name, err)
		}
	}
	return nil
}

func (s *suite) jobs() []job {
	wanted := func(list []string, name string) bool { return len(list) == 0 || slices.Contains(list, name) }
	var who []Contestant
	for _, c := range Contestants() {
		if lacks := c.missing(s.programs); lacks != "" {
			s.results.LeftOut[c.Name] = lacks
		} else if wanted(s.Contestants, c.Name) {
			who = append(who, c)
		}
	}
	var jobs []job
	for _, c := range Cases() {
		if !wanted(s.Cases, c.Name) {
			continue
		}
		takesPart := slices.DeleteFunc(slices.Clone(who), func(w Contestant) bool {
			return w.small && !c.ladder || len(w.only) > 0 && !slices.Contains(w.only, c.Name)
		})
		jobs = append(jobs, job{Case: c, server: c.server, who: takesPart})
		if s.Tuning && (c.Name == "ts" || c.Name == "fmp4") {
			jobs = append(jobs, job{Case: c, server: c.server, who: Tuning(), tuning: true})
		}
		if c.Name == "ts" && !s.NoLatency {
			for _, d := range Latencies {
				jobs = append(jobs, job{Case: c, server: delayedServer(d), latency: d, who: takesPart})
			}
		}
	}
	return jobs
}

// expected is what a stage asks of a picture.
type expected struct {
	*stage
	picture, thumbnail luma
}

// run repeats a job's contestants in turn, so that what disturbs the machine
// disturbs all.
func (s *suite) run(ctx context.Context, j job) error {
	var stages [2]expected
	for step := range stages {
		st, err := j.build(s.media, step)
		if err != nil {
			return err
		}
		if stages[step], err = s.expect(ctx, st); err != nil {
			return err
		}
	}
	rows := make([]Row, len(j.who))
	for i, c := range j.who {
		rows[i] = s.newRow(j, &c, &stages)
	}
	for range s.Repeats {
		for i := range j.who {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			s.results.Load[1] = max(s.results.Load[1], load())
			s.Progress(s.done, s.total, j.Name+", "+j.who[i].Name)
			if rows[i].Status == okStatus {
				if err := s.once(&rows[i], j, &j.who[i], &stages); err != nil {
					return err
				}
			}
			s.done++
		}
	}
	for i := range rows {
		rows[i].summarise()
	}
	if j.tuning {
		s.results.Tuning = append(s.results.Tuning, rows...)
	} else {
		s.results.Rows = append(s.results.Rows, rows...)
	}
	return nil
}

func (s *suite) newRow(j job, c *Contestant, stages *[2]expected) Row {
	bodies := stages[0].cold
	switch {
	case c.again:
		bodies = stages[1].again
	case c.small:
		bodies = stages[0].small
	case c.direct:
		bodies = stages[0].cold[1:]
	}
	return Row{
		Case: j.Name, Contestant: c.Name, Latency: j.latency, Status: okStatus,
		Command: c.String(), Floor: newFloor(bodies, s.headers, !c.again),
	}
}

// once runs a contestant and adds the sample to its row.
func (s *suite) once(row *Row, j job, c *Contestant, stages *[2]expected) error {
	picture := filepath.Join(s.dir, "picture.jpg")
	os.Remove(picture)
	scheme := "http://"
	if j.server == tlsServer {
		scheme = "https://"
	}
	base := scheme + s.addresses[j.server] + "/"
	o := order{Op: "run", TimeoutMS: runTimeout.Milliseconds(), Argv: c.argv(map[string]string{
		"MASTER": base + stages[0].master, "MEDIA": base + stages[0].media, "PICTURE": picture,
		"CERTIFICATE": filepath.Join(s.dir, certificate),
	}, s.programs)}
	if err := s.publish(stages[0].stage); err != nil {
		return err
	}
	wanted := &stages[0]
	if c.again {
		o.Op = "start"
		a, err := s.client.ask(o)
		if err != nil {
			return err
		}
		if a.Outcome != nil {
			row.Status = complaint(c, a.Outcome)
			return nil
		}
		wanted = &stages[1]
		if err := s.publish(wanted.stage); err != nil {
			return err
		}
		o = order{Op: "finish"}
	}
	before, err := s.settled()
	if err != nil {
		return err
	}
	logged, err := s.logged()
	if err != nil {
		return err
	}
	a, err := s.client.ask(o)
	if err != nil {
		return err
	}
	after, err := s.settled()
	if err != nil {
		return err
	}
	log, err := s.logged()
	if err != nil {
		return err
	}
	sample := Sample{
		Down: after.Down - before.Down, Up: after.Up - before.Up,
		Requests: bytes.Count(log[len(logged):], []byte("\n")),
		Wall:     a.Outcome.Wall, CPU: a.Outcome.CPU, Memory: a.Outcome.Memory,
	}
	s.finish(row, c, a.Outcome, sample, picture, wanted)
	return nil
}

// finish adds the sample, or says why there is none.
func (s *suite) finish(row *Row, c *Contestant, o *outcome, sample Sample, picture string, wanted *expected) {
	got, err := readPicture(picture)
	if o.Exit != 0 && (err != nil || c.kfgrab) || o.TimedOut {
		row.Status = complaint(c, o)
		return
	}
	if err != nil {
		row.Status = "failed: " + err.Error()
		if o.Stderr != "" {
			row.Status = complaint(c, o)
		}
		return
	}
	if c.again {
		var r againReport
		if json.Unmarshal([]byte(o.Stdout), &r) != nil {
			row.Status = "failed: no report"
			return
		}
		sample.Wall, sample.CPU = r.Wall, r.CPU
	}
	reference := wanted.picture
	if c.small {
		reference = wanted.thumbnail
	}
	sample.PSNR = psnr(got, reference)
	row.Runs = append(row.Runs, sample)
}

// complaint says in a few words how a contestant failed.
func complaint(c *Contestant, o *outcome) string {
	said, _, _ := strings.Cut(strings.TrimSpace(o.Stderr), "\n")
	switch {
	case o.TimedOut:
		return fmt.Sprintf("failed: no picture within %v", runTimeout)
	case c.kfgrab && o.Exit == kfgrab.BadStream.ExitCode():
		return unsupportedStatus + ": " + said
	}
	return fmt.Sprintf("failed: exit %d: %s", o.Exit, said)
}

// publish puts a stage in place, with times that differ from those before.
func (s *suite) publish(st *stage) error {
	s.modified = s.modified.Add(time.Second)
	return st.publish(s.root, s.modified)
}

// settled waits until nothing crosses the link any more: what a contestant left
// unread is still on its way.
func (s *suite) settled() (traffic, error) {
	const pause, patience = 60 * time.Millisecond, 50
	var last traffic
	for range patience {
		a, err := s.counter.ask(order{Op: "count"})
		if err != nil {
			return traffic{}, err
		}
		if a.Traffic == last {
			return last, nil
		}
		last = a.Traffic
		time.Sleep(pause)
	}
	return last, nil
}

// logged returns what the servers logged so far.
func (s *suite) logged() ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(s.dir, accessLog))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// expect decodes the pictures that a stage's contestants are to bring.
func (s *suite) expect(ctx context.Context, st *stage) (expected, error) {
	e := expected{stage: st}
	var err error
	if e.picture, err = decodeFirst(ctx, st.reference, ""); err != nil {
		return e, err
	}
	if st.smallReference != nil {
		e.thumbnail, err = decodeFirst(ctx, st.smallReference, "scale=320:-2")
	}
	return e, err
}

// decodeFirst returns the first picture of a stream.
func decodeFirst(ctx context.Context, pieces []piece, filter string) (luma, error) {
	stream, err := join(pieces)
	if err != nil {
		return luma{}, err
	}
	args := words("-nostdin -v error -i pipe:0 -frames:v 1 -f image2pipe -c:v png")
	if filter != "" {
		args = append(args, "-vf", filter)
	}
	cmd := exec.CommandContext(ctx, "ffmpeg", append(args, "pipe:1")...)
	cmd.Stdin = bytes.NewReader(stream)
	out, err := cmd.Output()
	if len(out) == 0 {
		return luma{}, fmt.Errorf("decoding the picture to compare with: %w", err)
	}
	return readLuma(out)
}

func readPicture(path string) (luma, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return luma{}, errors.New("no picture")
	}
	return readLuma(b)
}
