// Package decode turns a keyframe, or a ready-made JPEG or a part of one, into a
// picture, with ffmpeg in a process of its own.
//
// The picture is as it is to be shown: upright, of one moment, of square pixels, SDR.
//
// Call [Decoder.Decode]; the zero Decoder finds ffmpeg in PATH. Where the frame
// is still on its way, [Decoder.Start] starts the process first, and
// [Job.Decode] gives it the frame. [Output] says what the picture is to be like,
// [Output.Size] how large it will be. [Decoder.DecodeSequence] makes several
// pictures of a row of access units in one run.
//
// Who decodes again and again saves the start of a process by [Pool], whose
// processes stay up; a single picture is cheaper without.
//
// The process reads the frame from its standard input and writes the picture to
// its standard output. Its arguments tell the codec and the output wanted,
// nothing of the stream. It gets an empty environment and a process group of its
// own, on Linux bounds of memory, CPU time and files, it is ended where it hangs
// (Decoder.Timeout), and it is dead and reaped when the call returns, whatever
// happened; those of a Pool when it is closed.
//
// A picture that ffmpeg had to patch is an error that wraps
// [keyframe.ErrCorrupt]. ffmpeg notices all truncation and nearly all damage in
// H.264, little in H.265, and of a JPEG truncation: losses are for the packages
// that read containers and packets to notice. An H.265 frame with an open end
// (Frame.OpenEnd), which may have been cut short, is decoded twice to find out.
//
// A JPEG that is as wanted already is written as it came, once it has proved whole.
//
// Pictures that are not to be decoded (Annex B, MP4) need nothing from here.
package decode
