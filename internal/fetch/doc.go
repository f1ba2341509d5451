// Package fetch reads HTTP and HTTPS resources for the fewest bytes. It is internal
// to kfgrab: HLS streams and media files on the web are read through it.
//
// Make one [Client] per stream with [New], and call [Client.StartJob] before each
// grab. [Client.Get] returns a small document whole: a playlist, an initialisation
// segment, a key. [Client.GetNewer] fetches it again only if it has changed, and
// [Client.GetEnd] fetches only its end. [Client.Open] returns a [Resource], which is
// read by ranges, from the front or at any offset, and requests no byte twice.
//
// Every error names its resource without user name, password and query values. A
// transfer that fails is an [*Error], an answer other than success a [*StatusError];
// when the context is done, the error wraps its cause instead. A job that used up its
// bytes ends with [ErrBudget].
//
// A request whose kept connection breaks before the body has begun is made once more,
// on a new one. There is no other retry, no cache except what the caller keeps, no
// HTTP authentication except Basic, and no HTTP/2 except with servers that refuse
// HTTP/1.1. The package does not interpret the bytes.
package fetch
