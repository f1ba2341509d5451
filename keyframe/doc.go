// Package keyframe defines what kfgrab works with: keyframes, what they are, and
// how they are put together from NAL units. Import it for the types that the other
// packages return, or to find keyframes in a video stream that you have taken out of
// its container yourself.
//
// An [Assembler] takes NAL units, a [ByteStream] an Annex B byte stream cut
// anywhere. Both return a [Frame] as soon as an access unit that a decoder can start
// from is whole, or with EveryPicture all of them. [ParseInfo] reads a sequence
// parameter set. Container packages wrap their errors around [ErrNotFound],
// [ErrCorrupt] and [ErrUnsupported].
//
// The random access rules: H.264 IDR pictures; all-intra pictures with a
// recovery point SEI message whose recovery_frame_cnt is 0; the pictures of a
// gradual refresh, to be decoded together; and, on [Assembler.Flush] alone, the
// last all-intra picture. H.265 IDR, CRA and BLA pictures. The second field of
// a field-coded H.264 picture belongs to the frame.
//
// The package does not decode pictures, and knows no container and no network.
package keyframe
