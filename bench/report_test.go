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

// testRow is a successful row with a newest picture.
func testRow(caseName, contestant string, latency time.Duration, down int64, requests int, wall time.Duration) Row {
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
	old := testRow("iframe", coldName, 0, 1000, 4, 1)
	old.Same = false
	rows := []Row{
		testRow("ts", coldName, 0, 119_000, 5, time.Second),
		testRow("ts", againName, 0, 109_000, 2, time.Second),
		testRow("ts", smallName, 0, 20_000, 3, time.Second),
		testRow("ts", tunedName, 0, 300_000, 2, time.Second),
		testRow("ts", coldName, 150*time.Millisecond, 1, 1, 900*time.Millisecond),
		testRow("ts", tunedName, 150*time.Millisecond, 1, 1, time.Second),
		old,
		{Case: "ll-hls", Contestant: coldName, Status: unsupportedStatus + ": parts"},
	}
	got := map[string]string{}
	for _, target := range judgeTargets(rows) {
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
			testRow("ts", "ffmpeg, master", 0, 3_000_000, 9, time.Second),
			testRow("ts", coldName, 0, 110_000, 4, time.Second),
			failed,
			testRow("ts", coldName, Latencies[0], 110_000, 4, 2*time.Second),
		},
		Tuning: []Row{testRow("ts", "ffmpeg -threads 1", 0, 500_000, 2, time.Second)},
	}
	r.Targets = judgeTargets(r.Rows)
	return r
}

func TestMarkdown(t *testing.T) {
	r := sampleResults()
	report := r.report(Files{Details: "bench/results.md", Chart: "bench/chart.png"})
	for _, want := range []string{
		"](bench/chart.png)",
		"](bench/results.md)",
		"| MPEG-TS, three renditions, 6 s segments, 2 s GOP | 100.0 kB | **110.0 kB** | – | 3000.0 kB (ffmpeg, master) | 3000.0 kB |",
		"| kfgrab | 110.0 kB | 4 | 1.00 s | 0.00 s | 0 MB |",
		"by itself the median of 1 runs on 2 CPUs, measured 2026-01-02.",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("no %q in:\n%s", want, report)
		}
	}
	if strings.Contains(report, "go2rtc") {
		t.Error("the report has a contestant that failed")
	}

	text := r.details()
	for _, want := range []string{
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
	if strings.Contains(text+report, "busy") {
		t.Error("a quiet machine is called busy")
	}
	r.Load[1] = 2.5
	for _, text := range []string{r.report(Files{}), r.details()} {
		if !strings.Contains(text, "**The machine was busy meanwhile** (load 2.5 at its highest, on 2 CPUs)") {
			t.Errorf("a busy machine is not called so:\n%s", text)
		}
	}
}

func TestBars(t *testing.T) {
	want := []bar{{"the floor", 100_000}, {coldName, 110_000}, {"ffmpeg, master", 3_000_000}}
	if diff := cmp.Diff(want, chartBars(sampleResults().Rows), cmp.AllowUnexported(bar{})); diff != "" {
		t.Error(diff)
	}
}

func TestWriteFiles(t *testing.T) {
	r, dir := sampleResults(), t.TempDir()
	f := Files{Report: filepath.Join(dir, "B.md"), Details: filepath.Join(dir, "d.md"), Results: filepath.Join(dir, "r.json"), Chart: filepath.Join(dir, "c.png")}
	if err := r.WriteFiles(f); err != nil {
		t.Fatal(err)
	}
	back, err := ReadResults(f.Results)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back); diff != "" {
		t.Error(diff)
	}
	for file, want := range map[string]string{f.Report: "# Benchmarks\n", f.Details: "# Benchmark details\n"} {
		if b, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(b), want) {
			t.Errorf("%s: %.20q, %v", file, b, err)
		}
	}
	// The lengths of the bars are in the ratio of the bytes.
	ours, others := countPixels(t, f.Chart, kfgrabColour), countPixels(t, f.Chart, othersColour)
	if ratio := float64(others) / float64(ours); math.Abs(ratio-3_100_000.0/110_000) > 3 {
		t.Errorf("%d pixels of kfgrab and %d of others", ours, others)
	}
	if err := (&Results{}).WriteFiles(Files{Report: f.Report, Chart: f.Chart}); err == nil {
		t.Error("a chart of nothing")
	}
}

// countPixels returns the number of pixels of this colour in a PNG.
func countPixels(t *testing.T, file string, c color.Color) (n int) {
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
		if got := describeFailure(&c.contestant, &c.outcome); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestArgv(t *testing.T) {
	values := map[string]string{"MASTER": "http://h/MEDIA", "MEDIA": "http://h/m", "PICTURE": "/tmp/p", "CERTIFICATE": "/tmp/ca"}
	programs := map[string]string{kfgrabWord: "/bin/kf", go2rtcWord: "/x/go2rtc"}
	for _, c := range []struct{ command, want []string }{
		{splitWords("ffmpeg -i MEDIA PICTURE"), splitWords("ffmpeg -i http://h/m /tmp/p")},
		{splitWords("kfgrab --ca CERTIFICATE MASTER"), splitWords("/bin/kf --ca /tmp/ca http://h/MEDIA")},
		{shellCommand("go2rtc -c 'MEDIA' & curl api?src=go2rtc"), []string{"sh", "-c", "/x/go2rtc -c 'http://h/m' & curl api?src=go2rtc"}},
	} {
		contestant := Contestant{Command: c.command}
		if diff := cmp.Diff(c.want, contestant.fillCommand(values, programs)); diff != "" {
			t.Error(diff)
		}
	}
	guess := Contestant{Command: tildesToSpaces(splitWords("ffmpeg -headers Range:~bytes=0-1 MEDIA"))}
	if got, want := guess.String(), "ffmpeg -headers 'Range: bytes=0-1' MEDIA"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	lacking := Contestant{needs: []string{kfgrabWord, "no-such-program-anywhere"}}
	if got := lacking.missingProgram(programs); got != "no-such-program-anywhere" {
		t.Errorf("missing %q", got)
	}
}
