// Package warm keeps ffmpeg processes running, so that a keyframe can be decoded
// without the start of a process. It is internal to package decode: users call
// decode.Pool. The difference is large for small pictures: Debian's ffmpeg takes
// 62 ms of CPU time for a picture of 360 lines alone and 2.4 ms warm.
//
// Call [Pool.Enter], [Place.Picture], and [Place.DecodeAlone] if there was no
// picture. The package knows neither formats nor filters: package decode passes
// them in as [Settings].
//
// The rest of this page is for maintainers of the pool.
//
// # The rule
//
// A warm process must never return a picture that a new process would not have
// returned, and must never leave anything of one frame in the next. ffmpeg promises
// neither. So the pool believes a process only as long as it behaves exactly as
// described here. After anything else the process is killed, the frame is decoded
// by a process of its own, and the result of that one is final, be it a picture or
// an error. A warm process therefore never reports that a frame is broken.
//
// # What is sent
//
// One ffmpeg serves one key: codec, parameter sets, and all settings of the output.
// Parameter sets are part of the key because a decoder remembers them: with those
// of another stream, a broken access unit could become a picture.
//
// ffmpeg reads IVF from its standard input (-f ivf): a header of 32 bytes, then
// packets, each with a size and a number in place of a time. A byte stream would not
// do: IVF separates packets, and ffmpeg keeps its numbers (-copyts).
//
// For each frame the pool sends, see [Request]:
//
//	number 3n     the access unit of the frame
//	number 3n+1   a washer
//	number 3n+2   a second washer, H.265 only
//
// A washer is a tiny access unit: parameter sets, SEI, one grey IDR picture of
// 16x16 pixels, and an end of sequence. It does three things.
//
//   - It pushes the frame out of the decoder, which may hold a picture back until it
//     knows what follows. For H.264 the SPS is changed as well, to say that no picture
//     is ever reordered (keyframe.WithoutReordering): each picture then leaves at once.
//     An H.265 picture leaves when the next packet arrives, at the latest. The second
//     washer therefore pushes out the first, whose number the pool waits for.
//   - It makes the decoder forget. An IDR picture refers to nothing before it. Its
//     other size makes ffmpeg free the old pictures and allocate zeroed ones, so a
//     frame with missing slices does not show parts of an earlier frame. After the end
//     of a sequence, even a CRA picture starts a new one (ISO/IEC 23008-2 8.1.3).
//   - Its SEI cancels what libavcodec remembers from SEI messages of earlier frames:
//     film grain and the preferred transfer function.
//
// # What is expected back
//
// ffmpeg prints the number of each picture that leaves the decoder on standard error
// (print(pts) in the first filter), in order with its complaints. The same filter
// drops every picture whose number is not a multiple of three, in front of all other
// filters, so that these keep their configuration. The remaining pictures come from
// standard output. A good answer is, in this order, on standard error:
//
//  1. the number 3n, without a message that the size differs from the frame's size
//     ("incoming frame - w: ", printed if -reinit_filter is 0);
//  2. the number 3n+1, after such a message: the washer has its own size;
//  3. no message of level error or above, and none about concealed errors, before 2.
//
// And on standard output: exactly one picture. Its end is found by the marks of its
// format (package imagefile), never by a pause. The number 3n+2 may come at any time,
// also with the next frame, and means nothing.
//
// The picture is believed as soon as both streams have delivered: one whole picture,
// the frame's number, and the washer's number without a complaint before it. Type
// answer is that rule; it does no I/O.
//
// # When a process is killed
//
//   - It printed a complaint, a wrong number, or more than 1 MiB of log.
//   - It wrote anything that is not one whole picture, or wrote while nothing was
//     asked.
//   - It took longer than Settings.Patience, which is about a tenth of what a process
//     gets that decodes alone: a hanging process costs a second, not a minute.
//   - The context of the call ended, or the pool was closed.
//   - It waited for longer than Pool.Idle, or its place is needed for another key.
//
// Limits of memory and CPU time are those of package ffmpeg.
//
// If the processes of a key were wrong three times in a row about frames that then
// decoded well alone, the key gets a warm process only for every hundredth frame:
// this ffmpeg cannot do it, or the stream makes it complain.
//
// # Which frames are decoded alone from the start, and why
//
//   - Frames of several access units (gradual refresh): one packet gives one picture.
//   - Frames to be deinterlaced: the filter waits for the next picture, which is a
//     washer.
//   - H.264 that may be coded as two fields: ffmpeg decodes the fields of one packet
//     differently from fields in two packets.
//   - JPEG: there is no washer for it.
//   - Pictures of the washer's size, which the size messages would not tell from a
//     washer.
//   - Data that is not a sequence of whole NAL units, as keyframe.Assembler makes
//     them.
//
// An H.265 frame that may have been cut short is asked for twice, the second time as
// Settings.Again, with padding after its slices. Both pictures must be equal.
//
// # Versions
//
// All this is observed behaviour. TestVersion lists the versions of ffmpeg that the
// tests of this package and of package decode have passed with, and fails with any
// other one. To add a version, run those tests with KFGRAB_FFMPEG naming it. Most
// likely to break are the text of the size message, the delay of the H.265 decoder,
// and the time at which the muxer flushes a picture.
package warm
