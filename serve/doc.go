// Package serve answers HTTP requests with pictures of live streams. It is for
// programs that show cameras on a web page, a dashboard or a home automation
// system; kfgrab serve is one of them.
//
// Call [New], then [Server.Run] with a listener. To serve under another router,
// call [Server.Start], use the Server as an http.Handler, and call
// [Server.Close]. [Server.Set] changes the streams while it runs, and
// [Options.Guard] restricts access.
//
// One grab serves all requests that want a picture at the same time, and each
// rendering of it, of some format, size and quality, is made once and cached.
// By default, a stream is grabbed only on request, and its picture answers
// further requests until [Stream.TTL] is over. While clients watch live
// keyframes, the stream is held open, once for all of them. A slow client gets
// fewer pictures and takes no more memory than others. A stream that fails is
// not tried again at every request.
//
// The package neither records nor serves video.
package serve
