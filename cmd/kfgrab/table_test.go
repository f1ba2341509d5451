package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/event"
	"github.com/kfgrab/kfgrab/internal/watch"
)

func TestTableLines(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	all := []watch.Status{
		{
			Name: "door", Next: now.Add(45 * time.Second), Stored: ago(15 * time.Second), Scene: ago(21 * time.Second), Down: 123_456,
			Last: watch.Outcome{Began: ago(15 * time.Second), Elapsed: 42 * time.Millisecond, Cost: kfgrab.Cost{Down: 20_500}},
		},
		{
			Name: "Süd\x1b[31m", URL: "http://x/a", Next: now.Add(200 * time.Second), Failures: 3, Outage: event.Outage{Failures: 2},
			Last: watch.Outcome{Began: ago(100 * time.Second), Result: watch.Failed, Err: errors.New("http://x/a:\nno such host")},
		},
		{Name: strings.Repeat("long", 10), Running: true, Stored: ago(50 * time.Hour)},
		{Name: "new"},
	}
	totals := watch.Totals{Stored: 7, Unchanged: 2, Failures: 3, Down: 1_500_000, Segments: 40_000_000, OfSegments: 1_000_000}
	want := `
NAME                        PICTURE  NEXT                     BYTES  FAILED  LAST
door                        21s old  ███░░░░░░░░░ 45s      123.5 kB       0  ok, 20.5 kB in 42 ms
Süd [31m                          -  ████░░░░░░░░ 3m20s         0 B       3  other: no such host
longlonglonglonglonglon…     2d ago  ████████████ now           0 B       0  
new                               -  -                          0 B       0  

4 streams, 7 pictures, 2 unchanged, 3 failures; 1.5 MB, whole segments 40.0 MB (97.5 % saved)
12:00:00 something
`
	got := "\n" + strings.Join(tableLines(all, totals, []string{"12:00:00 something"}, 23, now), "\n") + "\n"
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestTableShowsFailingStreamsIfNotAllFit(t *testing.T) {
	all := make([]watch.Status, 100)
	for i := range all {
		all[i].Name = fmt.Sprint("cam", i)
	}
	all[77].Outage.Failures = 1
	for height := 5; height < 110; height++ {
		lines := tableLines(all, watch.Totals{}, nil, height, time.Now())
		if len(lines) > height {
			t.Fatalf("%d lines of %d", len(lines), height)
		}
		text := strings.Join(lines, "\n")
		if more := strings.Contains(text, "… and "); more != (height < 103) || !strings.Contains(text, "cam77 ") && height > 5 {
			t.Errorf("in %d lines:\n%s", height, text)
		}
	}
}

func TestShortDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 59400 * time.Millisecond: "59s", time.Minute: "1m00s", 3605 * time.Second: "1h00m",
		47*time.Hour + 59*time.Minute: "47h59m", 48 * time.Hour: "2d",
	} {
		if got := shortDuration(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 1_234_567: "1.2 MB", 5e9: "5.00 GB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
