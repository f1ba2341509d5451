// Package session holds a live stream open, without decoding, so that the newest
// keyframe and the pictures of the last seconds are there when they are asked for. It is
// for programs that look at one stream often, such as models that take clips. To take a
// picture now and then, use package picture.
//
// [Open] takes a URL of RTSP or live HLS, [Session.Start] begins to receive, and
// [Session.Close] ends everything. [Session.Latest] returns the newest keyframe,
// [Session.Frames] the last n pictures, decoded, at a rate, and [Session.State] reports
// how the session is doing. Any number of goroutines may share a Session.
//
// # How it works
//
// kfgrab.Stream.Receive delivers every picture of the stream, not only keyframes: one
// access unit each, in decoding order, with its time and a mark after missing ones. A
// ring keeps them, encoded, from a picture that a decoder can start from, for
// [Options.Keep] and within [Options.MaxBytes]. It does not keep pictures that cannot be
// decoded because others are missing.
//
// Frames chooses pictures by their times, in the order of presentation, and feeds one
// run of ffmpeg with the access units from the nearest start
// (decode.Decoder.DecodeSequence). It copies them from the ring under a lock, which
// takes a fraction of a millisecond for ten seconds of 1 Mbit/s, so that readers do not
// delay the receiver. The ring's memory is outside Go's heap: see store.
//
// A stream that ends or fails is opened again, after a wait that doubles each time and
// is randomised. The ring stays until the new connection has a keyframe.
//
// The package cannot hold open files, standard input, or transport streams in
// datagrams. Frames returns RGB24 or BGR24; for a JPEG of the newest keyframe, pass
// Latest's frame to decode.Decoder.Decode.
package session
