// Package kfgrab takes one still picture out of a live video stream for the fewest
// bytes that the protocol allows.
//
// Most programs need two calls: [Grab] for one keyframe of a URL, and
// picture.Make of package picture, which decodes it into a JPEG, PNG or WebP. A
// program that takes pictures of the same stream repeatedly should call [Open] once
// and [Stream.Grab] each time: an open stream remembers the connection, the rendition
// and what else makes the next grab cheaper. Package session is for programs that need
// a picture at once, and package serve for those that hand pictures out over HTTP.
//
// URLs are those of HLS playlists and media files (http, https), RTSP servers (rtsp,
// rtsps), transport streams in datagrams (udp), local files, and "-" for
// Options.Stdin. Playlists and containers are recognised by their content.
//
// A [Snapshot] holds the keyframe as it was coded; package decode decodes it, and
// fmp4.Mux makes a playable file of it. [Stream.Keyframes] goes on to the keyframes
// that follow, [Stream.Timeline] finds keyframes by their times, and [Stream.Receive]
// reads every picture. [ClassOf] sorts every error into the classes of the command's
// exit codes.
//
// This package has no schedule, no cache and no log, except the debug lines of
// Options.Logger.
package kfgrab
