// Package rtsp takes keyframes from RTSP servers and cameras (RFC 2326).
//
// Call [New] with a URL and [Source.Keyframe] for each picture. A grab is one
// short session: OPTIONS, DESCRIBE, SETUP of the one video track, PLAY, the
// first random access unit, TEARDOWN. [Source.Describe] stops after DESCRIBE.
// Media travel in the RTSP connection itself (RTP over TCP, RFC 2326 10.12).
//
// H.264 (RFC 6184) and H.265 (RFC 7798) are read. There is no UDP and no tunnel
// through HTTP, no publishing, no audio, and no session that outlives a call.
package rtsp
