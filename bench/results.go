package bench

import (
	"cmp"
	"slices"
	"time"
)

// Sample is what one run cost.
type Sample struct {
	Down     int64         `json:"down"` // bytes over the link
	Up       int64         `json:"up"`
	Floor    int64         `json:"floor"` // bytes of the least possible
	Requests int           `json:"requests"`
	Wall     time.Duration `json:"wall_ns"`
	CPU      time.Duration `json:"cpu_ns"`
	Memory   int64         `json:"memory"` // bytes, of the largest process
	PSNR     float64       `json:"psnr"`   // dB against the newest picture; 0 without a picture
}

// ratio returns how many times the floor was spent, or 0 if there is no floor.
func (s Sample) ratio() float64 {
	if s.Floor == 0 {
		return 0
	}
	return float64(s.Down) / float64(s.Floor)
}

// Row is one contestant in one case.
type Row struct {
	Case       string        `json:"case"`
	Contestant string        `json:"contestant"`
	Latency    time.Duration `json:"latency_ns"` // added by the server
	Command    string        `json:"command"`
	Status     string        `json:"status"` // "ok", "unsupported", or what went wrong
	Runs       []Sample      `json:"runs"`
	Median     Sample        `json:"median"` // each figure by itself
	Floor      Floor         `json:"floor"`  // of the first run's picture
	Ratio      float64       `json:"ratio"`  // median of bytes down per floor
	Same       bool          `json:"same"`   // every picture is the newest one
}

// The status of a row whose runs all brought a picture, and of one that kfgrab refused.
const (
	okStatus          = "ok"
	unsupportedStatus = "unsupported"
)

// Results are the results of one run of the suite.
type Results struct {
	Began    time.Time         `json:"began"`
	Mode     string            `json:"mode"` // kind of link
	Repeats  int               `json:"repeats"`
	CPUs     int               `json:"cpus"`
	Load     [2]float64        `json:"load"` // the machine's, at the start and at its highest
	Versions map[string]string `json:"versions"`
	LeftOut  map[string]string `json:"left_out"` // missing programs, by contestant
	Rows     []Row             `json:"rows"`
	Tuning   []Row             `json:"tuning"` // attempts with ffmpeg's options
	Targets  []Target          `json:"targets"`
}

// ok reports whether all runs brought a picture.
func (r *Row) ok() bool { return r.Status == okStatus && len(r.Runs) > 0 }

// summarise takes the medians of a row's runs.
func (r *Row) summarise() {
	if len(r.Runs) == 0 {
		return
	}
	r.Median = Sample{
		Down:     medianOf(r.Runs, func(s Sample) int64 { return s.Down }),
		Up:       medianOf(r.Runs, func(s Sample) int64 { return s.Up }),
		Floor:    medianOf(r.Runs, func(s Sample) int64 { return s.Floor }),
		Requests: medianOf(r.Runs, func(s Sample) int { return s.Requests }),
		Wall:     medianOf(r.Runs, func(s Sample) time.Duration { return s.Wall }),
		CPU:      medianOf(r.Runs, func(s Sample) time.Duration { return s.CPU }),
		Memory:   medianOf(r.Runs, func(s Sample) int64 { return s.Memory }),
		PSNR:     medianOf(r.Runs, func(s Sample) float64 { return s.PSNR }),
	}
	r.Ratio = medianOf(r.Runs, Sample.ratio)
	r.Same = !slices.ContainsFunc(r.Runs, func(s Sample) bool { return s.PSNR < samePSNR })
}

// findRow returns the row of a contestant in a case with this added latency, or nil.
func findRow(rows []Row, caseName, contestant string, latency time.Duration) *Row {
	for i := range rows {
		r := &rows[i]
		if r.Case == caseName && r.Contestant == contestant && r.Latency == latency {
			return r
		}
	}
	return nil
}

// median returns the middle value; if there are two, the lower one, because that one was
// measured. It returns the zero value for an empty list.
func median[T cmp.Ordered](values []T) T {
	if len(values) == 0 {
		var zero T
		return zero
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}

// medianOf returns the median of one figure of all runs.
func medianOf[T cmp.Ordered](runs []Sample, figure func(Sample) T) T {
	values := make([]T, len(runs))
	for i, r := range runs {
		values[i] = figure(r)
	}
	return median(values)
}
