// Package rtsp reads keyframes from RTSP servers and cameras (RFC 2326). Import
// it to read RTSP and nothing else; package kfgrab opens URLs of all protocols.
//
// Call [New] with a URL and [Source.Keyframe] for each picture. A grab is one
// short session: OPTIONS, DESCRIBE, SETUP of the one video track, PLAY, the first
// random access unit, TEARDOWN. With the connection that takes five round trips,
// or six if the server asks for a password. [Source.Describe] stops after DESCRIBE
// if the answer says enough.
//
// The next grab of the same Source needs neither OPTIONS nor DESCRIBE if the
// stream repeats its parameter sets and is not encrypted. With
// [Options.KeepSession] it is a PLAY and a PAUSE.
//
// [Source.Keyframes] plays on to the following keyframes, [Source.Receive] passes
// on every picture.
//
// Media travel in the RTSP connection, which may be plain, in TLS, or tunnelled
// through HTTP or WebSocket; or over UDP, to this host or to a multicast group. The
// package reads H.264 (RFC 6184) and H.265 (RFC 7798), and SRTP as far as
// gortsplib does. Over UDP, a missing packet delays the following ones until it
// comes or 64 of them are there. A keyframe with a hole is never returned.
//
// The package does not publish, and reads no audio and no back channel.
package rtsp
