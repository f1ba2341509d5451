// Package fetch reads HTTP and HTTPS resources for the fewest bytes. It is internal
// to kfgrab: HLS streams and media files on the web are read through it.
//
// Make one [Client] per stream with [New], and call [Client.StartJob] before each
// grab. [Client.Get] returns a small document whole: a playlist, an initialisation
// segment, a key. [Client.GetNewer] asks for it again, unless it is unchanged, and
// [Client.GetEnd] for its end alone. [Client.Open] returns a [Resource], which is read
// by ranges, from the front or at any offset, and asks for no byte twice.
//
// Every error names its resource without user name, password and query values. A
// transfer that fails is an [*Error], an answer other than success a [*StatusError];
// when the context is done, the error wraps its cause instead. A job that used up its
// bytes ends with [ErrBudget].
//
// A request whose kept connection breaks before the body has begun is made once more,
// on a new one. There is no other retry, no cache except what the caller keeps, no
// HTTP authentication except Basic, and no HTTP/2 except with servers that refuse
// HTTP/1.1. What the bytes mean is left to the packages above.
package fetch
