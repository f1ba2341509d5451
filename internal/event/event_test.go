package event

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Each change is reported once, however long the outage is and however often the process
// restarts.
func TestOutageIsReportedOnce(t *testing.T) {
	for _, tt := range []struct {
		name  string
		runs  string // f fails, s succeeds, r restarts
		after int
		want  []string // the run and the kind
	}{
		{"never fails", "sss", 3, nil},
		{"too few", "ffsffs", 3, nil},
		{"enough", "fffs", 3, []string{"2 failing", "3 recovered"}},
		{"long", "fffffffss", 3, []string{"2 failing", "7 recovered"}},
		{"at the first", "fsfs", 1, []string{"0 failing", "1 recovered", "2 failing", "3 recovered"}},
		{"never wanted", "ffffffs", 0, nil},
		{"restarts while it fails", "frfrfrfrs", 3, []string{"4 failing", "8 recovered"}},
		{"restarts after it failed", "fffrrfrs", 3, []string{"2 failing", "7 recovered"}},
		{"restarts before it fails", "ffrsfrf", 3, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var o Outage
			var got []string
			for i, run := range tt.runs {
				now := noon.Add(time.Duration(i) * time.Minute)
				var e Event
				ok := false
				switch run {
				case 'f':
					e, ok = o.AddFailure(now, "network", "refused", tt.after)
				case 's':
					e, ok = o.AddSuccess(now)
				case 'r':
					o = stored(t, o)
				}
				if ok {
					got = append(got, string('0'+rune(i))+" "+string(e.Kind))
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// stored returns o as it is after a restart.
func stored(t *testing.T, o Outage) (again Outage) {
	t.Helper()
	text, err := json.Marshal(o)
	if err == nil {
		err = json.Unmarshal(text, &again)
	}
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// A limit that was lowered counts from the next failure.
func TestOutageAfterOtherLimit(t *testing.T) {
	var o Outage
	for range 4 {
		if _, ok := o.AddFailure(noon, "network", "refused", 10); ok {
			t.Fatal("too early")
		}
	}
	if e, ok := o.AddFailure(noon, "network", "refused", 2); !ok || e.Failures != 5 {
		t.Errorf("%+v, %v", e, ok)
	}
}

// Both events say since when, how often and why.
func TestOutageEvents(t *testing.T) {
	var o Outage
	o.AddFailure(noon, "timeout", "not done within 15s", 2)
	failing, _ := o.AddFailure(noon.Add(time.Minute), "network", "no such host", 2)
	recovered, _ := o.AddSuccess(noon.Add(time.Hour))
	if want := (Event{Kind: Failing, Time: noon.Add(time.Minute), Since: noon, Failures: 2, Class: "network", Reason: "no such host"}); failing != want {
		t.Errorf("%+v", failing)
	}
	if want := (Event{Kind: Recovered, Time: noon.Add(time.Hour), Since: noon, Failures: 2, Class: "network", Reason: "no such host"}); recovered != want {
		t.Errorf("%+v", recovered)
	}
	if o != (Outage{}) {
		t.Errorf("%+v remains", o)
	}
}

// The JSON of an event has the fields of its kind and no others.
func TestEventJSON(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	for _, tt := range []struct {
		event Event
		want  string
	}{
		{
			Event{Kind: Picture, Stream: "cam", Time: noon.In(berlin), URL: "rtsp://cam/", MediaTime: noon, File: "a.jpg", ContentType: "image/jpeg", Size: 7, Width: 64, Height: 48},
			`{"event":"picture","stream":"cam","time":"2026-03-01T12:00:00Z","url":"rtsp://cam/","media_time":"2026-03-01T12:00:00Z","file":"a.jpg","content_type":"image/jpeg","size":7,"width":64,"height":48}`,
		},
		{
			Event{Kind: Failing, Stream: "cam", Time: noon, URL: "rtsp://cam/", Since: noon.In(berlin), Failures: 3, Class: "network", Reason: "refused"},
			`{"event":"failing","stream":"cam","time":"2026-03-01T12:00:00Z","url":"rtsp://cam/","since":"2026-03-01T12:00:00Z","failures":3,"class":"network","reason":"refused"}`,
		},
	} {
		got, err := json.Marshal(tt.event.InUTC())
		if err != nil || string(got) != tt.want {
			t.Errorf("%s, %v\nwant %s", got, err, tt.want)
		}
	}
}

func TestParseKind(t *testing.T) {
	for _, kind := range Kinds {
		if got, err := ParseKind(string(kind)); got != kind || err != nil {
			t.Errorf("%s: %v, %v", kind, got, err)
		}
	}
	for _, name := range []string{"", "fail", "Picture", "picture,failing"} {
		if _, err := ParseKind(name); err == nil || !strings.Contains(err.Error(), "picture, failing, recovered") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
