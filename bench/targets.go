package bench

import "fmt"

// Target is a figure that kfgrab should reach.
type Target struct {
	What   string  `json:"what"`
	Limit  float64 `json:"limit"`
	Got    float64 `json:"got"`
	Unit   string  `json:"unit"`
	Result string  `json:"result"` // "met", "missed", or why there is no result
}

// ratioTargets are the highest costs of a picture, as multiples of the floor.
var ratioTargets = []struct {
	caseName    string
	cold, again float64
}{
	{"ts", 1.20, 1.08},
	{"fmp4", 1.08, 1.05},
	{"iframe", 1.05, 1.05},
	{"ll-hls", 1.20, 1.10},
	{"no-range", 1.60, 1.60},
}

const (
	smallTarget   = 15 // times fewer bytes than ffmpeg tuned at 1080p
	requestTarget = 5  // master, media playlist, initialisation section, two ranges
)

// judgeTargets compares the rows with the targets.
func judgeTargets(rows []Row) []Target {
	var out []Target
	for _, t := range ratioTargets {
		out = append(out,
			judgeRatio(findRow(rows, t.caseName, coldName, 0), t.caseName+", cold", t.cold),
			judgeRatio(findRow(rows, t.caseName, againName, 0), t.caseName+", second grab", t.again))
	}

	for _, other := range []string{tunedName, guessedName} {
		out = append(out, judgeSmallRatio(findRow(rows, "ts", smallName, 0), findRow(rows, "ts", other, 0), other))
	}
	for _, name := range []string{"ts", "fmp4"} {
		out = append(out, judgeRequests(findRow(rows, name, coldName, 0), name))
	}

	for _, caseName := range delayedCases {
		for _, name := range []string{coldName, directName} {
			out = append(out, judgeWall(rows, caseName, name))
		}
	}
	return out
}

// unusableReason returns why a row cannot be compared with a target, or "".
func unusableReason(r *Row) string {
	switch {
	case r == nil:
		return "not measured"
	case r.Status != okStatus:
		return r.Status
	}
	return ""
}

func judgeRatio(r *Row, what string, limit float64) Target {
	t := Target{What: what, Limit: limit, Unit: "times the floor"}
	if t.Result = unusableReason(r); t.Result != "" {
		return t
	}
	t.Got = r.Ratio
	t.Result = metOrMissed(t.Got <= limit)
	if !r.Same {
		t.Result = "missed (not the newest picture)"
	}
	return t
}

func judgeSmallRatio(small, tuned *Row, name string) Target {
	t := Target{What: "ts, --width 320 against " + name + ", at 1080p", Limit: smallTarget, Unit: "times fewer bytes"}
	for _, r := range []*Row{small, tuned} {
		if t.Result = unusableReason(r); t.Result != "" {
			return t
		}
	}
	t.Got = float64(tuned.Median.Down) / float64(max(1, small.Median.Down))
	t.Result = metOrMissed(t.Got >= t.Limit)
	return t
}

func judgeRequests(r *Row, name string) Target {
	t := Target{What: name + ", cold", Limit: requestTarget, Unit: "requests"}
	if name == "ts" {
		t.Limit-- // no initialisation section
	}
	if t.Result = unusableReason(r); t.Result != "" {
		return t
	}
	t.Got = float64(r.Median.Requests)
	t.Result = metOrMissed(t.Got <= t.Limit)
	return t
}

// judgeWall compares the times with the longest latency.
func judgeWall(rows []Row, caseName, name string) Target {
	latency := Latencies[len(Latencies)-1]
	ours, tuned := findRow(rows, caseName, name, latency), findRow(rows, caseName, tunedName, latency)
	t := Target{What: fmt.Sprintf("%s, %s, %v added, against ffmpeg tuned, which begins with the media playlist", caseName, name, latency), Unit: "s"}
	for _, r := range []*Row{ours, tuned} {
		if t.Result = unusableReason(r); t.Result != "" {
			return t
		}
	}
	t.Got, t.Limit = ours.Median.Wall.Seconds(), tuned.Median.Wall.Seconds()
	t.Result = metOrMissed(t.Got < t.Limit)
	return t
}

func metOrMissed(met bool) string {
	if met {
		return "met"
	}
	return "missed"
}
