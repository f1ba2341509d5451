// Package rtsp takes keyframes from RTSP servers and cameras (RFC 2326).
//
// Call [New] with a URL and [Source.Keyframe] for each picture. A grab is one
// short session: OPTIONS, DESCRIBE, SETUP of the one video track, PLAY, the
// first random access unit, TEARDOWN: five round trips with the connection's, six
// where the server asks for a password. [Source.Describe] stops after DESCRIBE
// where that tells enough. [Source.Stats] tells what a grab took.
//
// The next grab of the same Source does without OPTIONS and DESCRIBE, where the
// stream has its parameter sets in it and is not encrypted. With
// [Options.KeepSession] it is a PLAY and a PAUSE.
//
// [Source.Keyframes] plays on to the keyframes that follow, and [Source.Receive]
// plays on for who wants more than keyframes.
//
// Media travel in the RTSP connection itself, itself plain, in TLS, or tunnelled
// through HTTP or WebSocket; or over UDP, to this host or to a group. H.264 (RFC
// 6184) and H.265 (RFC 7798) are read, and SRTP where gortsplib can. There is no
// publishing, no audio and no back channel.
//
// Over UDP a packet that is missing holds the ones behind it up until 64 are there,
// or it comes. A keyframe with a hole is never given out.
package rtsp
