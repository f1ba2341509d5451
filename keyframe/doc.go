// Package keyframe holds the vocabulary of kfgrab: what a keyframe is, and how
// one is put together from NAL units.
//
// An [Assembler] takes NAL units, or through a [ByteStream] an Annex B byte
// stream cut anywhere, and returns a [Frame] as soon as an access unit that a
// decoder can start from is whole. [ParseInfo] reads a sequence parameter set.
// Container packages wrap their errors around [ErrNotFound], [ErrCorrupt] and
// [ErrUnsupported].
//
// The random access rules: H.264 IDR pictures; all-intra pictures with a
// recovery point SEI message whose recovery_frame_cnt is 0; the pictures of a
// gradual refresh, to be decoded together; and, on [Assembler.Flush] alone, the
// last all-intra picture. H.265 IDR, CRA and BLA pictures. The second field of
// a field-coded H.264 picture belongs to the frame.
//
// [Assembler.EveryPicture] is for who decodes more than keyframes.
//
// There is no decoding of pictures, no container and no network here.
package keyframe
