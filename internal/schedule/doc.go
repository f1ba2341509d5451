// Package schedule decides when each of many streams is due, and how many may run at
// once. It is internal to kfgrab: kfgrab watch and kfgrab serve use it.
//
// Call [Schedule.Set] for each stream. Then, in a loop of one goroutine, call
// [Schedule.Due], start a goroutine for each run that it returns, call [Schedule.Done]
// when a run has ended, and sleep for [Schedule.Wait]. Each run passes a [Gate].
//
//   - The starts of streams with the same rule are spread over its interval. A stream
//     keeps its place after every restart.
//   - A stream is not due while it runs. Runs that come due meanwhile are skipped and
//     counted.
//   - A stream that fails is tried again before its rule says so if that is far off, and
//     later if its rule says so often, up to five minutes or its own interval.
//   - After a time of missed runs, because the process was down or asleep or the clock
//     was set forward, each stream runs once, at most [CatchUpRate] of them per second.
//   - After the clock is set back, streams are planned again.
//
// The package takes times as arguments, and only [Gate.Enter] waits. It stores nothing:
// callers can store a [State].
package schedule
