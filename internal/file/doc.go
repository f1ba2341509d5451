// Package file takes keyframes out of files, pipes, datagrams and single HTTP
// resources: transport streams, MP4 and Annex B byte streams, recognised by what
// is in them.
//
// Call [Open] for a local file, [NewStream] for an io.Reader that is read once,
// [OpenUDP] for a transport stream in datagrams and [OpenResource] for a file
// behind HTTP; then [Source.Keyframe], or [Source.Keyframes] for those that follow,
// too. [Sniff] tells the formats apart.
//
// A file that can be read at any place costs little more than its index and its
// keyframe. Playlists are for package hls.
package file
