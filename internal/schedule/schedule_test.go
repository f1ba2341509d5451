package schedule

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// clock is a wall clock with a Schedule.
type clock struct {
	Schedule
	now time.Time
}

func newClock() *clock { return &clock{now: noon} }

func (c *clock) set(t interface{ Fatal(args ...any) }, name string, rule Rule, state State) {
	if err := c.Set(c.now, name, rule, state); err != nil {
		t.Fatal(err)
	}
}

// due returns the names of the runs that are due.
func (c *clock) due() (names []string) {
	for _, r := range c.Due(c.now) {
		names = append(names, r.Name)
	}
	return names
}

// step sleeps for Wait and returns the runs that are due then.
func (c *clock) step() []Run {
	c.now = c.now.Add(c.Wait(c.now))
	return c.Due(c.now)
}

// until steps until the stream is due, and returns how long that took.
func (c *clock) until(t *testing.T, name string) time.Duration {
	t.Helper()
	from := c.now
	for range 10_000 {
		for _, r := range c.step() {
			if r.Name == name {
				return c.now.Sub(from)
			}
		}
	}
	t.Fatalf("%s is not due by %v", name, c.now)
	return 0
}

func (c *clock) done(name string, ok bool) int { return c.Done(c.now, name, ok) }

var every5m = Rule{Every: 5 * time.Minute, Spread: NoSpread}

func TestNewStreamsRunAtOnce(t *testing.T) {
	c := newClock()
	c.now = noon.Add(time.Second)
	for i := range 3 {
		c.set(t, fmt.Sprint("cam", i), every5m, State{})
	}
	c.set(t, "idle", Rule{}, State{})
	for i := range 3 {
		if got, want := c.due(), []string{fmt.Sprint("cam", i)}; !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
		c.now = c.now.Add(time.Second / CatchUpRate)
	}
	for i := range 3 {
		c.done(fmt.Sprint("cam", i), true)
	}
	if got, want := c.Next("cam0"), noon.Add(5*time.Minute); !got.Equal(want) {
		t.Errorf("then at %v, want %v", got, want)
	}
	if !c.Next("idle").IsZero() {
		t.Error("a stream that is never due is planned")
	}
}

func TestOverrunSkips(t *testing.T) {
	c := newClock()
	c.set(t, "cam", every5m, State{})
	c.due()
	c.now = noon.Add(17 * time.Minute)
	if got := c.due(); got != nil {
		t.Fatalf("%v is due while it runs", got)
	}
	if skipped := c.done("cam", true); skipped != 3 {
		t.Errorf("%d skipped, want those at 5, 10 and 15", skipped)
	}
	if next := c.Next("cam"); !next.Equal(noon.Add(20 * time.Minute)) {
		t.Errorf("next at %v", next)
	}
	if st := c.State("cam"); st.Skipped != 3 || st.Missed != 0 {
		t.Errorf("%+v", st)
	}
	if c.done("cam", true) != 0 || c.done("nobody", true) != 0 {
		t.Error("a stream that does not run has ended")
	}
}

// The first retries of a daily stream come soon, the last are as far apart as
// without a failure. Those of a stream that is due every ten seconds become
// forty seconds apart. A success ends the back-off.
func TestFailuresBackOff(t *testing.T) {
	const minute = time.Minute
	for _, tt := range []struct {
		rule       Rule
		retry      Retry
		first, end [2]time.Duration // bounds of the wait
	}{
		{Rule{Every: time.Second}, Retry{}, [2]time.Duration{1, time.Second}, [2]time.Duration{3 * time.Second, 4 * time.Second}},
		{Rule{Every: 10 * time.Second}, Retry{}, [2]time.Duration{1, 10 * time.Second}, [2]time.Duration{30 * time.Second, 40 * time.Second}},
		{Rule{Every: 20 * time.Second}, Retry{}, [2]time.Duration{1, 20 * time.Second}, [2]time.Duration{minute, 80 * time.Second}},
		{Rule{Every: minute}, Retry{}, [2]time.Duration{1, minute}, [2]time.Duration{3 * minute, 4 * minute}},
		{Rule{Every: 2 * minute}, Retry{}, [2]time.Duration{minute / 2, minute}, [2]time.Duration{3 * minute, 5 * minute}},
		{every5m, Retry{}, [2]time.Duration{minute / 2, minute}, [2]time.Duration{5 * minute, 5 * minute}},
		{Rule{Every: 24 * time.Hour}, Retry{}, [2]time.Duration{minute / 2, minute}, [2]time.Duration{24 * time.Hour, 24 * time.Hour}},
		{Rule{Cron: "0 12 * * *"}, Retry{}, [2]time.Duration{minute / 2, minute}, [2]time.Duration{24 * time.Hour, 24 * time.Hour}},
		{Rule{Cron: "* * * * *"}, Retry{}, [2]time.Duration{1, minute}, [2]time.Duration{3 * minute, 4 * minute}},

		{Rule{Every: 20 * time.Second}, Retry{Longest: 10 * minute}, [2]time.Duration{1, 20 * time.Second}, [2]time.Duration{9 * minute, 10 * minute}},
		{Rule{Every: 20 * time.Second}, Retry{Longest: 20 * time.Second}, [2]time.Duration{1, 20 * time.Second}, [2]time.Duration{1, 20 * time.Second}},
		{Rule{Every: time.Hour}, Retry{Longest: 10 * time.Second}, [2]time.Duration{5 * time.Second, 10 * time.Second}, [2]time.Duration{5 * time.Second, 10 * time.Second}},
		{Rule{Every: time.Hour}, Retry{First: 4 * time.Second}, [2]time.Duration{2 * time.Second, 4 * time.Second}, [2]time.Duration{time.Hour, time.Hour}},
		{Rule{Every: 20 * time.Second}, Retry{First: 3 * minute}, [2]time.Duration{2 * minute, 3 * minute}, [2]time.Duration{2 * minute, 3 * minute}},
		{Rule{Every: time.Hour}, Retry{First: 2 * time.Second, Longest: 8 * time.Second}, [2]time.Duration{time.Second, 2 * time.Second}, [2]time.Duration{4 * time.Second, 8 * time.Second}},
	} {
		c := newClock()
		c.set(t, "cam", tt.rule, State{Due: noon.Add(-time.Nanosecond)})
		c.SetRetry("cam", tt.retry)
		c.until(t, "cam")
		var wait time.Duration
		for i := range 40 {
			c.done("cam", false)
			wait = c.until(t, "cam")
			if i == 0 && (wait < tt.first[0] || wait > tt.first[1]) {
				t.Errorf("%v, %+v: again after %v, want %v", tt.rule, tt.retry, wait, tt.first)
			}
		}
		if wait < tt.end[0] || wait > tt.end[1] {
			t.Errorf("%v, %+v: at last after %v, want %v", tt.rule, tt.retry, wait, tt.end)
		}
		c.done("cam", true)
		if next, want := c.Next("cam"), c.jobs["cam"].table.nextAfter(c.now); !next.Equal(want) || c.State("cam").Failures != 0 {
			t.Errorf("%v: after a success at %v, want %v", tt.rule, next, want)
		}
	}
}

func TestRetryRefused(t *testing.T) {
	for _, retry := range []Retry{
		{First: time.Millisecond}, {Longest: -time.Second}, {First: MaxEvery + 1}, {First: time.Minute, Longest: time.Second},
	} {
		if retry.Validate() == nil {
			t.Errorf("%+v is valid", retry)
		}
	}
	if err := (Retry{First: time.Second, Longest: time.Second}).Validate(); err != nil {
		t.Error(err)
	}
}

// A cron line is due at its minute and at no other time: not at the start, even if a
// run was missed, and not after its minute.
func TestCronRunsAtItsMinute(t *testing.T) {
	daily := Rule{Cron: "0 13 * * *"}
	at13 := noon.Add(time.Hour)
	for _, tt := range []struct {
		name   string
		rule   Rule
		state  State
		start  time.Time
		next   time.Time
		missed int
	}{
		{"never ran", daily, State{}, noon, at13, 0},
		{"started within its minute", daily, State{}, at13.Add(time.Second), at13.Add(24 * time.Hour), 0},
		{"missed one", daily, State{Due: noon.Add(-24 * time.Hour)}, noon, at13, 1},
		{"missed many", Rule{Cron: "*/10 * * * *"}, State{Due: noon.Add(-time.Hour)}, noon.Add(time.Second), noon.Add(10 * time.Minute), 6},
		{"weekdays", Rule{Cron: "0 6 * * 1-5"}, State{}, noon, time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC), 0},
		{"in a zone", Rule{Cron: "0 3 * * *", Zone: "America/New_York"}, State{}, noon, time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC), 0},
		{"every minute", Rule{Cron: "* * * * *"}, State{}, noon.Add(time.Second), noon.Add(time.Minute), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newClock()
			c.now = tt.start
			c.set(t, "cam", tt.rule, tt.state)
			if got := c.due(); got != nil {
				t.Fatalf("%v is due at the start", got)
			}
			for range 100_000 {
				due := c.step()
				if len(due) == 0 {
					continue
				}
				if !c.now.Equal(tt.next) || !due[0].Due.Equal(tt.next) || due[0].Missed != tt.missed {
					t.Errorf("%+v at %v, want %v, %d missed", due[0], c.now, tt.next, tt.missed)
				}
				return
			}
			t.Error("never due")
		})
	}
}

// A machine that slept through a cron line's minute does not run it when it wakes. One
// that was busy for some seconds of it does.
func TestCronAfterSleep(t *testing.T) {
	for late, runs := range map[time.Duration]int{30 * time.Second: 1, 59 * time.Second: 1, time.Minute: 0, 7 * time.Hour: 0} {
		c := newClock()
		c.set(t, "cam", Rule{Cron: "0 13 * * *"}, State{})
		c.now = noon.Add(time.Hour + late)
		if got := c.due(); len(got) != runs {
			t.Errorf("%v late: %v", late, got)
		}
		if next := c.Next("cam"); runs == 0 && !next.Equal(noon.Add(25*time.Hour)) {
			t.Errorf("%v late: next at %v", late, next)
		}
	}
}

// Streams with the same minute start in it, each in its own slot, however many they are.
func TestCronIsStaggered(t *testing.T) {
	for _, n := range []int{1, 2, 12, 1000, 5000} {
		c := newClock()
		for i := range n {
			c.set(t, fmt.Sprint("cam", i), Rule{Cron: "0 13 * * *"}, State{})
		}
		began, most := 0, 0
		for c.now.Before(noon.Add(61 * time.Minute)) {
			runs := c.step()
			began += len(runs)
			most = max(most, len(runs))
			for _, r := range runs {
				if after := c.now.Sub(noon.Add(time.Hour)); after < 0 || after >= time.Minute || (n < 1000 && after > time.Duration(n)*time.Second/CatchUpRate) {
					t.Fatalf("%d streams: %s starts %v after its minute", n, r.Name, after)
				}
				c.done(r.Name, true)
			}
		}
		if began != n || most > 1 {
			t.Errorf("%d of %d streams started, up to %d at once", began, n, most)
		}
	}
}

// Clocks that are set back a little within the minute make no cron line run twice, and
// none be left out.
func TestCronClockSetBack(t *testing.T) {
	c := newClock()
	const n = 100
	for i := range n {
		c.set(t, fmt.Sprint("cam", i), Rule{Cron: "0 13 * * *"}, State{})
	}
	runs := map[string]int{}
	set := false
	for c.now.Before(noon.Add(2 * time.Hour)) {
		for _, r := range c.step() {
			runs[r.Name]++
			c.done(r.Name, true)
		}
		if len(runs) == n/2 && !set {
			set = true
			c.now = c.now.Add(-100 * time.Millisecond)
		}
	}
	for name, count := range runs {
		if count != 1 {
			t.Errorf("%s ran %d times", name, count)
		}
	}
	if len(runs) != n {
		t.Errorf("%d of %d ran", len(runs), n)
	}
}

// Streams that fail at the same moment are not retried in the same second.
func TestRetriesAreSpread(t *testing.T) {
	c := newClock()
	const n = 300
	for i := range n {
		c.set(t, fmt.Sprint("cam", i), Rule{Every: time.Hour}, State{Due: noon.Add(-time.Second), Started: noon.Add(-time.Second)})
	}
	c.now = noon.Add(time.Hour)
	for range n {
		c.step()
	}
	seconds := map[int64]int{}
	for name := range c.jobs {
		c.jobs[name].running = true
		c.done(name, false)
		seconds[c.Next(name).Unix()]++
	}
	for second, count := range seconds {
		if count > n/8 {
			t.Errorf("%d come back at %v", count, time.Unix(second, 0))
		}
	}
}

// After the clock is set forward by a day, each stream runs once, spread over
// time, and not once for each missed run.
func TestClockSetForward(t *testing.T) {
	c := newClock()
	const n = 200
	for i := range n {
		c.set(t, fmt.Sprint("cam", i), Rule{Every: time.Minute}, State{Due: noon.Add(-time.Second)})
	}
	c.now = c.now.Add(24 * time.Hour)
	runs := map[string]Run{}
	start := c.now
	for c.now.Before(start.Add(59 * time.Second)) {
		due := c.step()
		if len(due) > 10 {
			t.Errorf("%d at once, %v later", len(due), c.now.Sub(start))
		}
		for _, r := range due {
			if _, twice := runs[r.Name]; twice {
				t.Errorf("%s ran twice within a minute", r.Name)
			}
			runs[r.Name] = r
			if r.Missed < 24*60-2 || r.Missed > 24*60 {
				t.Errorf("%s makes up for %d", r.Name, r.Missed)
			}
		}
	}
	if len(runs) != n {
		t.Errorf("%d of %d streams have run", len(runs), n)
	}
}

// A clock set back by an hour stops no stream for that hour. A clock set back
// by a moment lets no stream run twice for one time.
func TestClockSetBack(t *testing.T) {
	c := newClock()
	c.set(t, "cam", every5m, State{})
	c.due()
	c.done("cam", true)
	c.now = noon.Add(5 * time.Minute)
	if got := c.due(); len(got) != 1 {
		t.Fatalf("%v", got)
	}
	c.now = c.now.Add(-100 * time.Millisecond)
	c.done("cam", true)
	if next := c.Next("cam"); !next.Equal(noon.Add(10 * time.Minute)) {
		t.Errorf("set back by a moment: next at %v", next)
	}
	c.now = noon.Add(7*time.Minute - time.Hour)
	if wait := c.until(t, "cam"); wait != 3*time.Minute {
		t.Errorf("set back by an hour: next after %v", wait)
	}
	c.now = c.now.Add(-24 * time.Hour) // while it runs
	c.done("cam", true)
	if wait := c.until(t, "cam"); wait != 5*time.Minute {
		t.Errorf("set back while it runs: next after %v", wait)
	}
	c.done("cam", false)
	c.now = c.now.Add(-24 * time.Hour) // while it waits to be tried again
	if wait := c.until(t, "cam"); wait > defaultFirstRetry {
		t.Errorf("set back after a failure: next after %v", wait)
	}
}

// A monotonic reading would hide that the clock was set.
func TestMonotonicReadingIsDropped(t *testing.T) {
	var s Schedule
	now := time.Now()
	s.observeTime(now)
	if s.seen != now.Round(0) {
		t.Errorf("%v", s.seen)
	}
}

func TestRestart(t *testing.T) {
	last := noon.Add(-2 * time.Minute)
	for _, tt := range []struct {
		name  string
		state State
		rule  Rule
		after time.Duration // the next run
	}{
		{"never ran", State{}, every5m, 0},
		{"nothing missed", State{Due: noon, Started: noon, Ended: noon}, every5m, 5 * time.Minute},
		{"killed while it ran", State{Due: noon, Started: noon}, every5m, 5 * time.Minute},
		{"missed", State{Due: noon.Add(-11 * time.Minute), Started: noon, Ended: noon}, every5m, 0},
		{"failed", State{Due: noon, Started: noon, Ended: noon, Failures: 9}, Rule{Every: 24 * time.Hour}, 0},
		{"clock set back", State{Due: noon.Add(time.Hour), Started: noon.Add(time.Hour)}, every5m, 5 * time.Minute},
		{"other rule", State{Due: last, Started: last}, Rule{Every: time.Hour, Spread: NoSpread}, 0},
		{"other rule, nothing missed", State{Due: noon, Started: noon}, Rule{Every: time.Hour, Spread: NoSpread}, time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newClock()
			c.set(t, "cam", tt.rule, tt.state)
			if after := c.Next("cam").Sub(noon); after != tt.after {
				t.Errorf("next after %v, want %v", after, tt.after)
			}
		})
	}
}

func TestStateIsStored(t *testing.T) {
	c := newClock()
	c.set(t, "cam", every5m, State{})
	c.due()
	c.now = c.now.Add(6 * time.Minute)
	c.done("cam", false)
	text, err := json.Marshal(map[string]State{"cam": c.State("cam")})
	if err != nil {
		t.Fatal(err)
	}
	var stored map[string]State
	if err := json.Unmarshal(text, &stored); err != nil {
		t.Fatal(err)
	}
	want := map[string]State{"cam": {Due: noon, Started: noon, Ended: noon.Add(6 * time.Minute), Failures: 1, Skipped: 1}}
	if !reflect.DeepEqual(stored, want) {
		t.Errorf("%s is %+v", text, stored)
	}
}

func TestReload(t *testing.T) {
	c := newClock()
	c.set(t, "cam", every5m, State{})
	c.due()
	c.set(t, "cam", Rule{Every: time.Hour, Spread: NoSpread}, State{})
	c.now = c.now.Add(time.Minute)
	c.done("cam", true)
	if next := c.Next("cam"); !next.Equal(noon.Add(time.Hour)) {
		t.Errorf("another rule while it runs: next at %v", next)
	}
	before := c.State("cam")
	c.set(t, "cam", Rule{Every: time.Minute, Spread: NoSpread}, State{})
	if next := c.Next("cam"); !next.Equal(noon.Add(2 * time.Minute)) {
		t.Errorf("another rule while it waits: next at %v", next)
	}
	if c.State("cam") != before {
		t.Error("the state changed")
	}
	if err := c.Set(c.now, "cam", Rule{Every: 1}, State{}); err == nil || c.Next("cam").IsZero() {
		t.Error("an invalid rule was accepted")
	}
}

func TestRemove(t *testing.T) {
	c := newClock()
	c.set(t, "cam", every5m, State{})
	c.due()
	c.Remove("cam")
	if len(c.Names()) != 0 || c.State("cam") != (State{}) {
		t.Error("the stream remains")
	}
	c.set(t, "cam", every5m, State{})
	c.now = noon.Add(5 * time.Minute)
	if got := c.due(); got != nil {
		t.Fatalf("%v, while the run from before the removal goes on", got)
	}
	c.done("cam", true)
	c.Remove("cam")
	c.Remove("cam")
	if wait := c.Wait(c.now); wait != maxWait || !c.Next("cam").IsZero() {
		t.Errorf("%v for nothing", wait)
	}
	c.set(t, "cam", every5m, State{})
	c.due()
	c.Remove("cam")
	c.done("cam", true)
	if len(c.jobs) != 0 {
		t.Error("a stream whose run ended after its removal remains")
	}
}

// Whatever runs take and however they end, no two runs of a stream overlap.
// With an even clock, each time of the rule has a run, lies within one, or
// after a failure. The times within runs are counted as skipped.
func TestScheduleProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newClock()
		type stream struct {
			every   time.Duration
			running bool
			ends    time.Time
			ok      bool
			failed  bool
			last    time.Time // the last time of the rule that is accounted for
			skipped int64
		}
		streams := map[string]*stream{}
		for i := range rapid.IntRange(1, 8).Draw(t, "streams") {
			name := fmt.Sprint("cam", i)
			s := &stream{every: time.Duration(rapid.IntRange(1, 600).Draw(t, "every")) * time.Second}
			streams[name] = s
			c.set(t, name, Rule{Every: s.every}, State{Due: noon})
			s.last = noon
		}
		for range 300 {
			wait := c.Wait(c.now)
			for _, s := range streams {
				if s.running {
					wait = min(wait, s.ends.Sub(c.now))
				}
			}
			c.now = c.now.Add(wait)
			for _, name := range c.Names() {
				s := streams[name]
				if !s.running || s.ends.After(c.now) {
					continue
				}
				within := countBetween(c.jobs[name].table, s.last, c.now)
				if got := c.done(name, s.ok); got != within {
					t.Fatalf("%s: %d skipped, not %d", name, got, within)
				}
				s.running, s.failed, s.last = false, !s.ok, c.now
				s.skipped += int64(within)
			}
			for _, r := range c.Due(c.now) {
				s := streams[r.Name]
				switch missed := countBetween(c.jobs[r.Name].table, s.last, c.now); {
				case s.running:
					t.Fatalf("%s runs twice", r.Name)
				case s.failed: // may be early or late
				case missed != 1:
					t.Fatalf("%s: %d times in (%v, %v]", r.Name, missed, s.last, c.now)
				}
				if !r.Due.Equal(c.now) || r.Missed != 0 {
					t.Fatalf("%+v at %v", r, c.now)
				}
				s.running, s.last = true, c.now
				s.ends = c.now.Add(time.Duration(rapid.IntRange(0, 900).Draw(t, "takes")) * time.Second)
				s.ok = rapid.IntRange(0, 3).Draw(t, "ok") > 0
			}
		}
		for name, s := range streams {
			if st := c.State(name); st.Skipped != s.skipped || st.Missed != 0 {
				t.Fatalf("%s: %+v, want %d skipped", name, st, s.skipped)
			}
		}
	})
}

// Whatever the clock does, there is no storm, and no stream waits much longer
// than its interval in real time.
func TestClockProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newClock()
		const streams = 200
		every := time.Duration(rapid.IntRange(60, 7200).Draw(t, "every")) * time.Second
		most := CatchUpRate*int(maxLate/time.Second) + 3*int(streams*maxLate/every) + 20
		for i := range streams {
			c.set(t, fmt.Sprint("cam", i), Rule{Every: every}, State{})
		}
		for range 300 {
			wait := c.Wait(c.now)
			c.now = c.now.Add(wait)
			if rapid.IntRange(0, 50).Draw(t, "set the clock?") == 0 {
				c.now = c.now.Add(time.Duration(rapid.IntRange(-100_000, 100_000).Draw(t, "by")) * time.Second)
			}
			due := c.Due(c.now)
			if len(due) > most {
				t.Fatalf("%d of %d at once", len(due), streams)
			}
			for _, r := range due {
				c.done(r.Name, true)
			}
			for name, j := range c.jobs {
				if wait := j.next.Sub(c.now); wait > every+every/2 {
					t.Fatalf("%s is not due for %v", name, wait)
				}
			}
		}
	})
}
