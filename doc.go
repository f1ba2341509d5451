// Package kfgrab takes one still picture out of a live video stream for the
// fewest bytes that the protocol allows.
//
// Call [Grab] for one keyframe of a URL, or [Open] once and [Stream.Grab] again
// and again: an open stream remembers the connection, the rendition and what
// else makes the next grab cheaper. [Stream.Keyframes] goes on to the keyframes that
// follow, for who may not want the first one. URLs are those of HLS playlists and media
// files (http, https), RTSP servers (rtsp, rtsps), transport streams in datagrams
// (udp), local files, and "-" for Options.Stdin; playlists and containers are
// recognised by what is in them.
//
// A [Snapshot] holds the keyframe as it was coded; package decode makes a picture
// of it, fmp4.Mux a playable file. [ClassOf] sorts every error into the classes of
// the command's exit codes.
//
// There is no watching on a schedule, no caching and no logging here, but for the
// debug lines of Options.Logger.
package kfgrab
