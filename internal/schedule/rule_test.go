package schedule

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// noon is noon on a Saturday.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func compiled(t interface{ Fatal(args ...any) }, name string, r Rule) timetable {
	table, err := r.compileTimetable(name)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// times lists the next n times in the zone.
func times(table timetable, from time.Time, n int, zone *time.Location) (list []string) {
	for range n {
		from = table.nextAfter(from)
		list = append(list, from.In(zone).Format("02 15:04:05 MST"))
	}
	return list
}

func TestRuleNext(t *testing.T) {
	for _, tt := range []struct {
		rule Rule
		want string
	}{
		{Rule{Every: 5 * time.Minute, Spread: NoSpread}, "21 12:05:00 UTC, 21 12:10:00 UTC"},
		{Rule{Every: 24 * time.Hour, Spread: NoSpread}, "22 00:00:00 UTC, 23 00:00:00 UTC"},
		{Rule{Every: 7 * time.Minute, Spread: NoSpread}, "21 12:04:00 UTC, 21 12:11:00 UTC"},
		{Rule{Cron: "*/20 * * * *", Spread: NoSpread}, "21 12:20:00 UTC, 21 12:40:00 UTC"},
		{Rule{Cron: "30 6 * * 1-5", Spread: NoSpread}, "23 06:30:00 UTC, 24 06:30:00 UTC"},
		{Rule{Cron: "30 6 * * mon", Zone: "America/New_York", Spread: NoSpread}, "23 11:30:00 UTC, 30 11:30:00 UTC"},
		{Rule{Cron: "@daily", Spread: NoSpread}, "22 00:00:00 UTC, 23 00:00:00 UTC"},
	} {
		got := strings.Join(times(compiled(t, "cam", tt.rule), noon, 2, time.UTC), ", ")
		if got != tt.want {
			t.Errorf("%v: %s, want %s", tt.rule, got, tt.want)
		}
	}
}

// In Berlin clocks went from 2 to 3 on 29 March 2026, and from 3 to 2 on 25
// October. On Lord Howe Island they change by half an hour. In São Paulo
// midnight was skipped.
func TestCronClockChange(t *testing.T) {
	for _, tt := range []struct {
		name, cron, zone string
		from             time.Time
		want             string
	}{
		{"forward", "*/30 * * * *", "Europe/Berlin", time.Date(2026, 3, 29, 0, 15, 0, 0, time.UTC), "29 01:30:00 CET, 29 03:00:00 CEST, 29 03:30:00 CEST"},
		{"left out", "30 2 * * *", "Europe/Berlin", time.Date(2026, 3, 28, 0, 15, 0, 0, time.UTC), "28 02:30:00 CET, 29 03:30:00 CEST, 30 02:30:00 CEST"},
		{"left out, many", "*/5 2 * * *", "Europe/Berlin", time.Date(2026, 3, 28, 1, 52, 0, 0, time.UTC), "28 02:55:00 CET, 29 03:00:00 CEST, 30 02:00:00 CEST"},
		{"back", "*/30 * * * *", "Europe/Berlin", time.Date(2026, 10, 25, 0, 15, 0, 0, time.UTC), "25 02:30:00 CEST, 25 02:00:00 CET, 25 02:30:00 CET"},
		{"twice", "30 2 * * *", "Europe/Berlin", time.Date(2026, 10, 24, 12, 0, 0, 0, time.UTC), "25 02:30:00 CEST, 25 02:30:00 CET, 26 02:30:00 CET"},
		{"half an hour forward", "15 2 * * *", "Australia/Lord_Howe", time.Date(2026, 10, 3, 0, 0, 0, 0, time.UTC), "04 02:45:00 +11, 05 02:15:00 +11, 06 02:15:00 +11"},
		{"after half an hour forward", "45 2 * * *", "Australia/Lord_Howe", time.Date(2026, 10, 3, 0, 0, 0, 0, time.UTC), "04 02:45:00 +11, 05 02:45:00 +11, 06 02:45:00 +11"},
		{"no midnight", "0 0 * * *", "America/Sao_Paulo", time.Date(2018, 11, 3, 12, 0, 0, 0, time.UTC), "04 01:00:00 -02, 05 00:00:00 -02, 06 00:00:00 -02"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			table := compiled(t, "cam", Rule{Cron: tt.cron, Zone: tt.zone, Spread: NoSpread})
			loc, err := time.LoadLocation(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(times(table, tt.from, 3, loc), ", "); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestRuleRefused(t *testing.T) {
	for _, tt := range []struct {
		rule Rule
		want string
	}{
		{Rule{Every: time.Millisecond}, "want 1s"},
		{Rule{Every: -time.Hour}, "out of bounds"},
		{Rule{Every: MaxEvery + 1}, "out of bounds"},
		{Rule{Every: time.Minute, Cron: "* * * * *"}, "one of them"},
		{Rule{Every: time.Minute, Zone: "UTC"}, "needs a cron line"},
		{Rule{Every: time.Minute, Spread: time.Hour}, "longer than the interval"},
		{Rule{Every: time.Minute, Spread: -2}, "negative spread"},
		{Rule{Zone: "UTC"}, "needs an interval or a cron line"},
		{Rule{Cron: "* * * *"}, "invalid cron line \"* * * *\": expected exactly 5 fields, found 4"},
		{Rule{Cron: "x * * * *"}, "invalid cron line \"x * * * *\": not a number: x"},
		{Rule{Cron: "60 * * * *"}, "invalid cron line"},
		{Rule{Cron: "*/0 * * * *"}, "invalid cron line"},
		{Rule{Cron: "@every 5m"}, "set an interval"},
		{Rule{Cron: "@reboot"}, "invalid cron line"},
		{Rule{Cron: "TZ= * * * * *"}, "contains a time zone"},
		{Rule{Cron: "CRON_TZ=UTC * * * * *"}, "contains a time zone"},
		{Rule{Cron: "0 0 30 2 *"}, "never comes"},
		{Rule{Cron: "* * * * *", Zone: "Mars/Olympus"}, "unknown time zone"},
		{Rule{Cron: strings.Repeat("1,", 999) + "1 * * * *"}, "too long"},
	} {
		if err := tt.rule.Validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v, want %q in it", tt.rule, err, tt.want)
		}
	}
	if err := (Rule{}).Validate(); err != nil {
		t.Error(err)
	}
}

// A stream's offset never changes, so that the pictures of a day continue those
// of the day before.
func TestOffsetIsStable(t *testing.T) {
	for name, want := range map[string]time.Duration{"gate": 236081912803, "door": 43601468818} {
		if got := offsetOf(name, 5*time.Minute); got != want {
			t.Errorf("%s: %d, was %d", name, got, want)
		}
	}
}

// The starts of a thousand streams are spread evenly over their interval, by
// the test of Kolmogorov and Smirnov at a level of one in a thousand.
func TestSpreadIsEven(t *testing.T) {
	for _, pattern := range []string{"cam%d", "camera-%04d", "%d", "site/%d/stream", "x%x"} {
		const n = 1000
		var places []float64
		for i := range n {
			places = append(places, float64(offsetOf(fmt.Sprintf(pattern, i), time.Minute))/float64(time.Minute))
		}
		slices.Sort(places)
		worst := 0.0
		for i, p := range places {
			worst = max(worst, math.Abs(p-float64(i)/n), math.Abs(p-float64(i+1)/n))
		}
		if limit := 1.95 / math.Sqrt(n); worst > limit {
			t.Errorf("%s: %.3f from even, want %.3f at most", pattern, worst, limit)
		}
	}
}

func drawInterval(t *rapid.T) Rule {
	every := time.Duration(rapid.Int64Range(int64(MinEvery), int64(MaxEvery)).Draw(t, "every"))
	return Rule{Every: every, Spread: time.Duration(rapid.Int64Range(-1, int64(every)).Draw(t, "spread"))}
}

func drawTime(t *rapid.T, label string) time.Time {
	return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, label), rapid.Int64Range(0, 999_999_999).Draw(t, label+" ns")).UTC()
}

// The next time comes after the given one, within an interval, with none in
// between.
func TestIntervalProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawInterval(t)
		table, now := compiled(t, rapid.String().Draw(t, "name"), r), drawTime(t, "now")
		next := table.nextAfter(now)
		if d := next.Sub(now); d <= 0 || d > r.Every {
			t.Fatalf("%v after", d)
		}
		between := now.Add(time.Duration(rapid.Int64Range(0, int64(next.Sub(now))-1).Draw(t, "between")))
		if again := table.nextAfter(between); !again.Equal(next) {
			t.Fatalf("after %v comes %v, not %v", between, again, next)
		}
		if after := table.nextAfter(next); after.Sub(next) != r.Every {
			t.Fatalf("then %v later", after.Sub(next))
		}
	})
}

func drawCron(t *rapid.T) string {
	field := func(label string, low, high int) string {
		n := rapid.IntRange(low, high)
		switch rapid.IntRange(0, 3).Draw(t, label) {
		case 0:
			return "*"
		case 1:
			return fmt.Sprintf("*/%d", rapid.IntRange(1, high).Draw(t, label+" step"))
		case 2:
			a, b := n.Draw(t, label+" from"), n.Draw(t, label+" to")
			return fmt.Sprintf("%d-%d", min(a, b), max(a, b))
		}
		return fmt.Sprint(n.Draw(t, label+" value"))
	}
	return strings.Join([]string{field("minute", 0, 59), field("hour", 0, 23), "*", "*", field("weekday", 0, 6)}, " ")
}

// A cron line is due in each minute that it names, and once for the skipped
// ones unless another comes by then. Checked minute by minute over days with
// clock changes.
func TestCronProperty(t *testing.T) {
	zones := map[string][]time.Time{
		"Europe/Berlin":       {time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC), time.Date(2026, 10, 24, 12, 0, 0, 0, time.UTC)},
		"America/New_York":    {time.Date(2026, 3, 7, 17, 0, 0, 0, time.UTC), time.Date(2026, 10, 31, 17, 0, 0, 0, time.UTC)},
		"Australia/Lord_Howe": {time.Date(2026, 4, 4, 2, 0, 0, 0, time.UTC), time.Date(2026, 10, 3, 2, 0, 0, 0, time.UTC)},
		"America/Sao_Paulo":   {time.Date(2018, 11, 3, 15, 0, 0, 0, time.UTC)},
		"Asia/Kathmandu":      {noon},
	}
	names := []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu"}
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(names).Draw(t, "zone")
		start := rapid.SampledFrom(zones[zone]).Draw(t, "start")
		line := drawCron(t)
		table := compiled(t, "", Rule{Cron: line, Zone: zone, Spread: NoSpread}).(*crontab)
		end := start.Add(36 * time.Hour)
		var got []time.Time
		for due := table.nextAfter(start); !due.IsZero() && due.Before(end); due = table.nextAfter(due) {
			got = append(got, due)
		}
		want := byMinutes(table, start, end)
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || !got[i].Equal(want[i]) {
				t.Fatalf("from number %d: %v\nwant %v", i, got[i:min(i+3, len(got))], want[i:min(i+3, len(want))])
			}
		}
	})
}

// byMinutes checks each minute of the zone's clock, and the first of those that
// a clock change skips.
func byMinutes(c *crontab, start, end time.Time) (due []time.Time) {
	matches := func(clock time.Time) bool {
		return c.spec.Next(clock.Add(-time.Second)).Equal(clock)
	}
	for at := start.Add(time.Minute); at.Before(end); at = at.Add(time.Minute) {
		clock, before := asUTC(at.In(c.loc)), asUTC(at.Add(-time.Minute).In(c.loc))
		if matches(clock) {
			due = append(due, at)
		}
		for left := before.Add(time.Minute); left.Before(clock); left = left.Add(time.Minute) {
			if !matches(left) {
				continue
			}
			late := left.Sub(before.Add(time.Minute)) // after the change, by the old offset
			if next := c.spec.Next(clock.Add(-time.Second)); next.After(clock.Add(late)) {
				due = append(due, at.Add(late))
			}
			break
		}
	}
	slices.SortFunc(due, time.Time.Compare)
	due = slices.CompactFunc(due, time.Time.Equal)
	return slices.DeleteFunc(due, func(t time.Time) bool { return !t.Before(end) })
}

// asUTC returns the time in UTC with the clock reading of t.
func asUTC(t time.Time) time.Time {
	_, ahead := t.Zone()
	return t.UTC().Add(time.Duration(ahead) * time.Second)
}

// counted counts the calls of a timetable.
type counted struct {
	timetable
	asked int
}

func (c *counted) nextAfter(t time.Time) time.Time {
	c.asked++
	return c.timetable.nextAfter(t)
}

// The runs that a new stream has missed since the year 1 are not counted: that
// took 15 s for a thousand streams with a yearly line.
func TestNewStreamIsCheap(t *testing.T) {
	table, err := Rule{Cron: "@yearly"}.compileTimetable("a")
	if err != nil {
		t.Fatal(err)
	}
	c := &counted{timetable: table}
	var s Schedule
	s.resumeJob(&job{table: c, rule: Rule{Cron: "@yearly"}, index: -1}, noon)
	if c.asked > 3 {
		t.Errorf("the timetable was called %d times", c.asked)
	}
}

func TestNextTimes(t *testing.T) {
	for _, tt := range []struct {
		rule Rule
		want int
	}{
		{every5m, 3}, {Rule{Cron: "0 3 * * *"}, 3}, {Rule{}, 0},
	} {
		list, err := tt.rule.NextTimes("cam", noon, 3)
		if err != nil || len(list) != tt.want {
			t.Errorf("%v: %v, %v", tt.rule, list, err)
		}
	}
	if _, err := (Rule{Every: 1}).NextTimes("cam", noon, 3); err == nil {
		t.Error("an invalid rule was accepted")
	}
}

func TestRuleString(t *testing.T) {
	for want, rule := range map[string]Rule{
		"every 1h":                           {Every: time.Hour},
		"every 1m30s":                        {Every: 90 * time.Second},
		"every 5m, all at once":              every5m,
		"every 5m, spread over 30s":          {Every: 5 * time.Minute, Spread: 30 * time.Second},
		"cron 0 6 * * * UTC":                 {Cron: "0 6 * * *"},
		"cron 0 6 * * 1-5 Europe/Berlin":     {Cron: "0 6 * * 1-5", Zone: "Europe/Berlin"},
		"cron @daily UTC, spread over 1m30s": {Cron: "@daily", Spread: 90 * time.Second},
		"never":                              {},
	} {
		if got := rule.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
