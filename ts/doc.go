// Package ts finds keyframes in MPEG transport streams (ISO/IEC 13818-1).
//
// Call [NewReader] on any io.Reader and [Reader.Keyframe] for one keyframe after
// another; the reader takes no more from the stream than it needs to see that an
// access unit is over. [Sniff] tells a transport stream from other data.
//
// Packets of 188, 192 and 204 bytes are read, from anywhere in a packet and
// anywhere in a GOP, with or without a program association table in time.
// Scrambled streams are reported, not read, and so is SAMPLE-AES unless
// [Options].SampleAES decrypts it. [Reader.Picture] is for who decodes more than
// keyframes. There is no muxing here, and no audio beyond its
// listing.
package ts
