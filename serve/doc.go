// Package serve answers HTTP with pictures of live streams, each grabbed once for all who
// want it at the same time.
//
// Call [New], then [Server.Run] with a listener; or [Server.Start], use the Server as an
// http.Handler, and [Server.Close]. [Server.Set] changes the streams while it runs.
//
// A request is answered from what is there as long as that is young enough; else it waits
// for a grab, together with all others that do. Of a keyframe every rendering, which is a
// format, size and quality, is made once and kept, within [Options.CacheBytes]. A stream
// that nobody asks for is not touched, but where its mode says so. Who watches live keyframes
// has the stream held open for as long, once for all. [Options.Guard] says who is answered.
//
// What a request waits for ends with the last who waits for it; who is slow to read holds up
// nobody and takes no more memory than others. Streams that fail are not tried at every
// request, and those with wrong credentials seldom.
//
// There is no recording and no video here.
package serve
