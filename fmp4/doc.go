// Package fmp4 finds keyframes in ISO base media files: progressive MP4 and
// MOV, fragmented MP4 and CMAF segments (ISO/IEC 14496-12, 14496-15). Import it if you
// have such a file as an io.ReaderAt, or to write a keyframe as an MP4 file; package
// kfgrab opens URLs.
//
// [NewMovie] takes a file, a range of one, or a media segment together with the
// [Init] that [ParseInit] read from its init segment. [Movie.Keyframe] returns
// one keyframe after the other, [Movie.KeyframeAt] the one to show at a given
// time. Both read the index (moov, moof, sidx) first, and of the payload only the
// samples that hold the keyframe. [Mux] turns a keyframe into an MP4 file.
// [NewPictures] is for callers that decode more than keyframes.
//
// [Movie.SetKey] decrypts the samples of fragments with a key that the caller has.
// The package has no rights management and decodes no pictures. It finds keyframes in
// H.264 and H.265 only; [Init.List] names the other codecs.
package fmp4
