// Package fetch reads HTTP and HTTPS resources for the fewest bytes.
//
// Make one [Client] a stream with [New], and call [Client.StartJob] before each
// grab. [Client.Get] returns a small document whole: a playlist, an
// initialisation segment, a key; [Client.GetNewer] asks for it again, unless it is
// what it was, and [Client.GetEnd] for its end alone. [Client.Open] returns a
// [Resource], which is read by ranges, from the front or at any offset, and asks for
// no byte twice.
//
// Every error names its resource without user name, password and query values.
// A transfer that fails is an [*Error], an answer other than success a
// [*StatusError]; when the context is done, the error wraps its cause instead.
// A job that used up its bytes ends with [ErrBudget].
//
// A request whose kept connection breaks before the body has begun is made once
// more, on a new one. There is no other retry, no cache but what the caller keeps, no
// HTTP authentication but Basic, no HTTP/2 but with servers that refuse HTTP/1.1, and
// no media: what the bytes mean is for the packages above.
package fetch
