// Package picture makes of a snapshot the bytes that are stored or served: a picture
// with its caption and metadata, or the keyframe as it was coded in a file that plays.
//
// Call [Make] with a [decode.Decoder], or with a [decode.Pool] where there are many to
// make, and [Options.Validate] before the stream is touched. [Take] grabs, too, and with
// [Options.Tries] passes over pictures that show nothing, which [Blank] tells. Who wants
// the decoder started while the keyframe is still on its way asks it for
// [Options.Decoded].
//
// There is no writing here: package sink is behind.
package picture
