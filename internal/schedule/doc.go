// Package schedule says when each of many streams is due, and how many may be at work
// at once. It is pure: times are arguments, and nothing waits but [Gate.Enter].
//
// Call [Schedule.Set] for each stream, then in a loop of one goroutine [Schedule.Due],
// a goroutine for each run that it returns, [Schedule.Done] when that has ended, and
// sleep for [Schedule.Wait]. Between Due and the work stands a [Gate].
//
//   - Streams with the same rule start spread over its interval, each at the same place
//     after every restart.
//   - A stream is not due while it runs: what comes due meanwhile is skipped and counted.
//   - A stream that fails is tried again sooner than its rule says where that is seldom,
//     and later where that is often, up to [MaxRetry] or its own interval.
//   - What was missed, while the process was down or asleep or by a clock set forward,
//     is made up for by one run a stream, at most [CatchUpRate] of those a second.
//   - A clock that is set back has streams planned anew, and not wait for it.
//
// There is no storing here: [State] is what is worth it.
package schedule
