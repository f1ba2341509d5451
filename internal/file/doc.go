// Package file reads keyframes from files, pipes, datagrams and single HTTP resources:
// transport streams, MP4 and Annex B byte streams, which it detects by content. It is
// internal to kfgrab, for the root package.
//
// Call [Open] for a local file, [NewStream] for an io.Reader that is read once,
// [OpenUDP] for a transport stream in datagrams and [OpenResource] for a file on an HTTP
// server; then [Source.Keyframe], or [Source.Keyframes] for the following ones as well.
// [Sniff] detects the format.
//
// A file that can be read at any offset costs little more than its index and its
// keyframe. The package does not read playlists.
package file
