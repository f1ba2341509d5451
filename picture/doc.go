// Package picture makes of a snapshot the bytes that are stored or served: a picture
// with its caption and metadata, or the keyframe as it was coded in a file that plays.
//
// Call [Make] with a [decode.Decoder], or with a [decode.Pool] where there are many to
// make, and [Options.Validate] before the stream is touched. Who wants the decoder started
// while the keyframe is still on its way asks it for [Options.Decoded].
//
// There is no fetching here and no writing: kfgrab.Grab is before and package sink
// behind.
package picture
