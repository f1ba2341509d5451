package bench

import (
	"cmp"
	"slices"
	"time"
)

// Sample is what one run took.
type Sample struct {
	Down     int64         `json:"down"` // bytes over the link
	Up       int64         `json:"up"`
	Floor    int64         `json:"floor"` // of its picture
	Requests int           `json:"requests"`
	Wall     time.Duration `json:"wall_ns"`
	CPU      time.Duration `json:"cpu_ns"`
	Memory   int64         `json:"memory"` // bytes, of the largest process
	PSNR     float64       `json:"psnr"`   // dB against the newest picture, 0 for none
}

// ratio is how many times the floor was spent, 0 where there is none.
func (s Sample) ratio() float64 {
	if s.Floor == 0 {
		return 0
	}
	return float64(s.Down) / float64(s.Floor)
}

// Row is a contestant at a case.
type Row struct {
	Case       string        `json:"case"`
	Contestant string        `json:"contestant"`
	Latency    time.Duration `json:"latency_ns"` // added
	Command    string        `json:"command"`
	Status     string        `json:"status"` // "ok", "unsupported", or what went wrong
	Runs       []Sample      `json:"runs"`
	Median     Sample        `json:"median"` // of each figure by itself
	Floor      Floor         `json:"floor"`  // of the first run's picture
	Ratio      float64       `json:"ratio"`  // of the bytes down to the floor, the median of it
	Same       bool          `json:"same"`   // every picture is the newest one
}

// ok is the status of a row whose runs all brought a picture.
const (
	okStatus          = "ok"
	unsupportedStatus = "unsupported"
)

// Results are those of one run of the suite.
type Results struct {
	Began    time.Time         `json:"began"`
	Mode     string            `json:"mode"` // what the link was
	Repeats  int               `json:"repeats"`
	CPUs     int               `json:"cpus"`
	Load     [2]float64        `json:"load"` // the machine's, at the beginning and at its highest
	Versions map[string]string `json:"versions"`
	LeftOut  map[string]string `json:"left_out"` // contestants, by what they lack
	Rows     []Row             `json:"rows"`
	Tuning   []Row             `json:"tuning"` // of ffmpeg's options
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

// findRow returns the row of a contestant at a case without added latency, or nil.
func findRow(rows []Row, caseName, contestant string, latency time.Duration) *Row {
	for i := range rows {
		r := &rows[i]
		if r.Case == caseName && r.Contestant == contestant && r.Latency == latency {
			return r
		}
	}
	return nil
}

// median returns the middle value, of an even number the lower one of the two in
// the middle: a value that was measured. It is the zero value of an empty list.
func median[T cmp.Ordered](values []T) T {
	if len(values) == 0 {
		var zero T
		return zero
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}

// medianOf is the median of one figure of each run.
func medianOf[T cmp.Ordered](runs []Sample, figure func(Sample) T) T {
	values := make([]T, len(runs))
	for i, r := range runs {
		values[i] = figure(r)
	}
	return median(values)
}
