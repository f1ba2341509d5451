// Package watch takes a picture of each of many streams again and again, on a schedule,
// and puts it where it is kept.
//
// Call [New], [Watcher.Set] with the streams, which may be done again at any time, then
// [Watcher.Run], or [Watcher.Once] for a single round; [Watcher.Close] at the end.
// [Watcher.Statuses] and [Watcher.Totals] tell how it goes.
//
//   - Each stream keeps its kfgrab.Stream, so that a grab is one playlist and one range,
//     and all share a decode.Pool.
//   - When they are due and how many are at work at once is package schedule's. One that
//     hangs has its timeout and its place at the gate, and holds up no other.
//   - A stream that fails is opened anew for the next try.
//   - What was captured is not captured again: neither what was due before a restart, where
//     there is [Options.State], nor the same keyframe as the last, unless [Stream.Repeats].
//   - At the end of its context Run starts nothing more and gives what is under way
//     [Options.Grace] to end.
//
// A line a grab goes to [Options.Logger], and there is no output beside it. Reading a
// configuration is package config's, files and their retention package sink's.
package watch
