// Package ts finds keyframes in MPEG transport streams (ISO/IEC 13818-1). Import
// it if you have a transport stream as an io.Reader or io.ReaderAt; package kfgrab
// opens URLs.
//
// Call [NewReader] on any io.Reader and [Reader.Keyframe] for one keyframe after
// another. The reader takes no more from the stream than it needs to see that an
// access unit is over. [Reader.KeyframeAt] looks for a time, [Recording] does so in a
// stream that can be read at any place. [Sniff] recognises transport streams.
//
// The package reads packets of 188, 192 and 204 bytes, from anywhere in a packet and
// anywhere in a GOP, with or without a program association table in time. Tables are
// hints: the video is the first stream that delivers keyframes, of the codec that its
// content shows, in the order of the program maps. It
// reports scrambled streams without reading them, and SAMPLE-AES as well unless
// [Options].SampleAES decrypts it. [Options].EveryPicture is for callers that decode
// more than keyframes. The package does not mux, and only lists audio.
package ts
