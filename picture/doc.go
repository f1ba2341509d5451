// Package picture turns a stream or a snapshot into the bytes of a file: a picture with
// caption and metadata, or the keyframe as it was coded. It is for programs that store
// or serve pictures. Programs that only want the keyframe call kfgrab.Grab.
//
// Call [Options.Validate] before the stream is opened, then [Take], which grabs and
// decodes, and with [Options.Tries] skips pictures that are [Blank]. [Make] is for a
// snapshot that is there already. Both take a [decode.Decoder], or a [decode.Pool] if
// there are many pictures to make. To start the decoder while the keyframe is still on
// its way, pass [Options.Decoded] to it.
//
// The package does not write files.
package picture
