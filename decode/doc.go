// Package decode turns a keyframe, or a JPEG or a part of one, into a picture. It is
// for programs that have a keyframe.Frame and ffmpeg; package picture does the same
// from a URL to the bytes of a file.
//
// Call [Decoder.Decode]; the zero Decoder finds ffmpeg in PATH. [Output] describes the
// picture, [Output.Size] its size in advance. The picture is upright, without
// interlacing, SDR, and has square pixels.
//
//   - To decode again and again, use [Pool]: it keeps processes running.
//   - To start ffmpeg while the frame is still on its way, use [Decoder.Start] and
//     [Job.Decode].
//   - To decode several pictures of a row of access units in one run, use
//     [Decoder.DecodeSequence].
//
// ffmpeg runs in a process of its own, with pipes for the frame and the picture. Its
// arguments contain the codec and the output, and nothing from the stream. The process
// gets an empty environment, a process group of its own, and on Linux limits of memory,
// CPU time and files. A process that hangs is killed (Decoder.Timeout). It is dead and
// reaped when the call returns; those of a Pool, when Close returns.
//
// A picture that ffmpeg had to patch is an error that wraps [keyframe.ErrCorrupt].
// ffmpeg notices every truncation and nearly all damage in H.264, little damage in
// H.265, and truncation in JPEG. The packages that read containers and packets have to
// notice losses. An H.265 frame with an open end (Frame.OpenEnd), which may be
// truncated, is decoded twice to find out.
//
// A JPEG that is already as requested is written unchanged, if it is whole.
//
// The package does not write Annex B or MP4, which need no decoding.
package decode
