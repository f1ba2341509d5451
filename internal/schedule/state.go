package schedule

import "time"

// State is what is worth keeping of a stream when the process ends. Times are by the
// wall clock. The zero value is that of a stream that has never run.
type State struct {
	// Due is the time for which the last run was planned.
	Due time.Time `json:"due,omitzero"`
	// Started and Ended are of the last run; Ended is before Started while it runs.
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	// Succeeded is the end of the last run that did not fail.
	Succeeded time.Time `json:"succeeded,omitzero"`
	// Failures counts the runs since then.
	Failures int `json:"failures,omitempty"`
	// Skipped counts what came due while the stream ran, Missed what came due while
	// nothing looked: the process was down or asleep, or the clock was set forward.
	Skipped int64 `json:"skipped,omitempty"`
	Missed  int64 `json:"missed,omitempty"`
}
