package units

import (
	"testing"
	"time"
)

func TestParsePoint(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 14, 0, 0, 0, berlin)
	day := func(day, hour, minute, second int) time.Time {
		return time.Date(2026, 3, day, hour, minute, second, 0, berlin)
	}
	for _, tt := range []struct {
		text   string
		offset time.Duration
		clock  time.Time
	}{
		{"90.5", 90500 * time.Millisecond, time.Time{}},
		{"0", StartOffset, time.Time{}},
		{"-0", -StartOffset, time.Time{}},
		{"-60", -time.Minute, time.Time{}},
		{"-1m30s", -90 * time.Second, time.Time{}},
		{"-00:01:30", -90 * time.Second, time.Time{}},
		{"1:30", 90 * time.Second, time.Time{}},
		{"30:00:00", 30 * time.Hour, time.Time{}},
		{"13:59:59", 13*time.Hour + 59*time.Minute + 59*time.Second, day(1, 13, 59, 59)},
		{"14:00:01", 14*time.Hour + time.Second, day(0, 14, 0, 1)},
		{"00:00:00", StartOffset, day(1, 0, 0, 0)},
		{"2026-03-01T14:02:03Z", 0, time.Date(2026, 3, 1, 14, 2, 3, 0, time.UTC)},
		{"2026-03-01T14:02:03.25+02:00", 0, time.Date(2026, 3, 1, 12, 2, 3, 250e6, time.UTC)},
		{"2026-03-01T14:02:03", 0, day(1, 14, 2, 3)},
	} {
		got, err := ParsePoint(tt.text, now)
		if err != nil || got.Offset != tt.offset || !got.Clock.Equal(tt.clock) {
			t.Errorf("%s: %v, %v, %v", tt.text, got.Offset, got.Clock, err)
		}
	}
	for _, text := range []string{"", "-", "noon", "--5", "2026-13-01T00:00:00Z", "14:61:00", "5x"} {
		if got, err := ParsePoint(text, now); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}
