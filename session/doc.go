// Package session holds a live stream open and decodes nothing of it until it is
// asked: then the newest keyframe is there at once, and so are the pictures of the
// last seconds.
//
// [Open] takes a URL of RTSP or live HLS, [Session.Start] begins to receive, and
// [Session.Close] ends all of it. [Session.Latest] gives the newest keyframe,
// [Session.Frames] the last n pictures, decoded, at the rate asked for, and
// [Session.State] tells how it goes. Any number of goroutines may share a Session.
//
// # How it works
//
// The floors below give every picture of the stream, not keyframes alone
// (keyframe.Assembler.EveryPicture, rtsp.Source.Receive, hlssource.Source.Receive): an
// access unit each, in decoding order, with its time, and a word where some are
// missing. A ring keeps them, encoded, from one that a decoder can start from, for
// [Options.Keep] and within [Options.MaxBytes]. What cannot be decoded, as what it
// depends on is missing, is not kept.
//
// The pictures asked for are chosen by their times, in the order of presentation;
// what is fed to one run of ffmpeg is the access units from the nearest start
// (decode.Decoder.DecodeSequence). They are copied from the ring under a lock that is
// held for as long as that takes, a fraction of a millisecond for ten seconds of
// 1 Mbit/s, so that no reader holds the receiver up. The ring's memory is outside of
// Go's heap: see store.
//
// A stream that ends or fails is opened again, after a wait that doubles each time,
// with some chance in it. The ring stays until the new connection has a keyframe.
//
// Files, standard input, and transport streams in datagrams cannot be held open
// here. Pictures come as RGB24 or BGR24: for a JPEG of the newest keyframe there is
// decode.Decoder.Decode.
package session
