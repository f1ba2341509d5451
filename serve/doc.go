// Package serve answers HTTP with pictures of live streams, each grabbed once for all who
// want it at the same time.
//
// Call [New], then [Server.Run] with a listener; or [Server.Start], use the Server as an
// http.Handler, and [Server.Close]. [Server.Set] changes the streams while it runs.
//
// A request is answered from what is there as long as that is young enough; else it waits
// for a grab, together with all others that do. Of a keyframe every rendering, which is a
// format, size and quality, is made once and kept, within [Options.CacheBytes]. A stream
// that nobody asks for is not touched, but where its mode says so.
//
// There are no accounts, no recording and no video here.
package serve
