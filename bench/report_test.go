package bench

import (
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// row is an ok one with a newest picture.
func row(caseName, contestant string, latency time.Duration, down int64, requests int, wall time.Duration) Row {
	r := Row{
		Case: caseName, Contestant: contestant, Latency: latency, Command: contestant + " MASTER", Status: okStatus,
		Floor: Floor{Wire: 100_000, Bodies: []Body{{"keyframe", 99_000}}},
		Runs:  []Sample{{Down: down, Floor: 100_000, Requests: requests, Wall: wall, PSNR: 40}},
	}
	r.summarise()
	return r
}

func TestSummarise(t *testing.T) {
	r := Row{Runs: []Sample{
		{Down: 30, Floor: 10, Up: 1, Wall: 9, PSNR: 40},
		{Down: 20, Floor: 20, Up: 2, Wall: 7, PSNR: 10},
		{Down: 90, Floor: 45, Up: 3, Wall: 8, PSNR: 41},
	}}
	r.summarise()
	want := Sample{Down: 30, Floor: 20, Up: 2, Wall: 8, PSNR: 40}
	if diff := cmp.Diff(want, r.Median); diff != "" {
		t.Error(diff)
	}
	if r.Ratio != 2 || r.Same {
		t.Errorf("ratio %v, same %v", r.Ratio, r.Same)
	}
}

func TestJudge(t *testing.T) {
	old := row("iframe", coldName, 0, 1000, 4, 1)
	old.Same = false
	rows := []Row{
		row("ts", coldName, 0, 119_000, 5, time.Second),
		row("ts", againName, 0, 109_000, 2, time.Second),
		row("ts", smallName, 0, 20_000, 3, time.Second),
		row("ts", tunedName, 0, 300_000, 2, time.Second),
		row("ts", coldName, 150*time.Millisecond, 1, 1, 900*time.Millisecond),
		row("ts", tunedName, 150*time.Millisecond, 1, 1, time.Second),
		old,
		{Case: "ll-hls", Contestant: coldName, Status: unsupportedStatus + ": parts"},
	}
	got := map[string]string{}
	for _, target := range judge(rows) {
		got[target.What+" "+target.Unit] = target.Result
	}
	want := map[string]string{
		"ts, cold times the floor":                                                        "met",
		"ts, second grab times the floor":                                                 "missed",
		"fmp4, cold times the floor":                                                      "not measured",
		"fmp4, second grab times the floor":                                               "not measured",
		"iframe, cold times the floor":                                                    "missed (not the newest picture)",
		"iframe, second grab times the floor":                                             "not measured",
		"ll-hls, cold times the floor":                                                    "unsupported: parts",
		"ll-hls, second grab times the floor":                                             "not measured",
		"no-range, cold times the floor":                                                  "not measured",
		"no-range, second grab times the floor":                                           "not measured",
		"ts, --width 320 against ffmpeg tuned, at 1080p times fewer bytes":                "met",
		"ts, --width 320 against ffmpeg tuned, guessed range, at 1080p times fewer bytes": "not measured",
		"ts, cold requests":                                                               "missed",
		"fmp4, cold requests":                                                             "not measured",
		"fmp4, kfgrab, 150ms added, against ffmpeg tuned, which begins with the media playlist s":                 "not measured",
		"fmp4, kfgrab, media playlist, 150ms added, against ffmpeg tuned, which begins with the media playlist s": "not measured",
		"ts, kfgrab, media playlist, 150ms added, against ffmpeg tuned, which begins with the media playlist s":   "not measured",
		"ts, kfgrab, 150ms added, against ffmpeg tuned, which begins with the media playlist s":                   "met",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func sampleResults() *Results {
	failed := Row{Case: "ts", Contestant: "go2rtc", Command: "go2rtc MASTER", Status: "failed: a | b\nc"}
	r := &Results{
		Began: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Mode: "a link", Repeats: 1, CPUs: 2,
		Versions: map[string]string{"nginx": "nginx 1"}, LeftOut: map[string]string{"streamlink": "streamlink"},
		Rows: []Row{
			row("ts", "ffmpeg, master", 0, 3_000_000, 9, time.Second),
			row("ts", coldName, 0, 110_000, 4, time.Second),
			failed,
			row("ts", coldName, Latencies[0], 110_000, 4, 2*time.Second),
		},
		Tuning: []Row{row("ts", "ffmpeg -threads 1", 0, 500_000, 2, time.Second)},
	}
	r.Targets = judge(r.Rows)
	return r
}

func TestMarkdown(t *testing.T) {
	r := sampleResults()
	text := r.markdown("bench/chart.png")
	for _, want := range []string{
		"](bench/chart.png)",
		"Left out: streamlink (streamlink is not installed).",
		"| ts, cold | ≤ 1.2 times the floor | 1.1 | met |",
		"| kfgrab | 110.0 kB | 1.10 | 0.0 kB | 4 | 1.00 s | 0.00 s | 0 MB | newest (40 dB) |",
		"| go2rtc | – | – | – | – | – | – | – | failed: a / b c |",
		"| kfgrab | 1.00 s | 2.00 s | – |",
		"| `-threads 1` | ts | 500.0 kB |",
		"```\nkfgrab MASTER\n```",
		"- one picture: 100000 bytes (keyframe 99000)",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "busy") {
		t.Error("a quiet machine is called busy")
	}
	r.Load[1] = 2.5
	if !strings.Contains(r.markdown(""), "**The machine was busy meanwhile** (load 2.5 at its highest, on 2 CPUs)") {
		t.Error("a busy machine is not called so")
	}
}

func TestBars(t *testing.T) {
	want := []bar{{"the floor", 100_000}, {coldName, 110_000}, {"ffmpeg, master", 3_000_000}}
	if diff := cmp.Diff(want, bars(sampleResults().Rows), cmp.AllowUnexported(bar{})); diff != "" {
		t.Error(diff)
	}
}

func TestWriteFiles(t *testing.T) {
	r, dir := sampleResults(), t.TempDir()
	report, results, chart := filepath.Join(dir, "B.md"), filepath.Join(dir, "r.json"), filepath.Join(dir, "c.png")
	if err := r.WriteFiles(report, results, chart); err != nil {
		t.Fatal(err)
	}
	back, err := ReadResults(results)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back); diff != "" {
		t.Error(diff)
	}
	if b, err := os.ReadFile(report); err != nil || !strings.HasPrefix(string(b), "# Benchmarks\n") {
		t.Errorf("report %.20q, %v", b, err)
	}
	// The bars of kfgrab and of ffmpeg are as their bytes are.
	ours, others := pixels(t, chart, kfgrabColour), pixels(t, chart, othersColour)
	if ratio := float64(others) / float64(ours); math.Abs(ratio-3_100_000.0/110_000) > 3 {
		t.Errorf("%d pixels of kfgrab and %d of others", ours, others)
	}
	if err := (&Results{}).WriteFiles(report, "", chart); err == nil {
		t.Error("a chart of nothing")
	}
}

// pixels counts those of a PNG that have a colour.
func pixels(t *testing.T, file string, c color.Color) (n int) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			if color.RGBAModel.Convert(img.At(x, y)) == c {
				n++
			}
		}
	}
	return n
}

func TestComplaint(t *testing.T) {
	for _, c := range []struct {
		contestant Contestant
		outcome    outcome
		want       string
	}{
		{Contestant{kfgrab: true}, outcome{Exit: 7, Stderr: "no AES\n"}, "unsupported: no AES"},
		{Contestant{}, outcome{Exit: 7, Stderr: "first\nsecond\n"}, "failed: exit 7: first"},
		{Contestant{kfgrab: true}, outcome{Exit: 4, Stderr: "404"}, "failed: exit 4: 404"},
		{Contestant{}, outcome{Exit: -1, TimedOut: true}, "failed: no picture within 30s"},
	} {
		if got := complaint(&c.contestant, &c.outcome); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestArgv(t *testing.T) {
	values := map[string]string{"MASTER": "http://h/MEDIA", "MEDIA": "http://h/m", "PICTURE": "/tmp/p", "CERTIFICATE": "/tmp/ca"}
	programs := map[string]string{kfgrabWord: "/bin/kf", go2rtcWord: "/x/go2rtc"}
	for _, c := range []struct{ command, want []string }{
		{words("ffmpeg -i MEDIA PICTURE"), words("ffmpeg -i http://h/m /tmp/p")},
		{words("kfgrab --ca CERTIFICATE MASTER"), words("/bin/kf --ca /tmp/ca http://h/MEDIA")},
		{shell("go2rtc -c 'MEDIA' & curl api?src=go2rtc"), []string{"sh", "-c", "/x/go2rtc -c 'http://h/m' & curl api?src=go2rtc"}},
	} {
		contestant := Contestant{Command: c.command}
		if diff := cmp.Diff(c.want, contestant.argv(values, programs)); diff != "" {
			t.Error(diff)
		}
	}
	guess := Contestant{Command: spaced(words("ffmpeg -headers Range:~bytes=0-1 MEDIA"))}
	if got, want := guess.String(), "ffmpeg -headers 'Range: bytes=0-1' MEDIA"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	lacking := Contestant{needs: []string{kfgrabWord, "no-such-program-anywhere"}}
	if got := lacking.missing(programs); got != "no-such-program-anywhere" {
		t.Errorf("missing %q", got)
	}
}
