// Package fmp4 finds keyframes in ISO base media files: progressive MP4 and
// MOV, fragmented MP4 and CMAF segments (ISO/IEC 14496-12, 14496-15).
//
// [NewMovie] takes a file, a range of one, or a media segment together with the
// [Init] that [ParseInit] read from its init segment. [Movie.Keyframe] returns
// one keyframe after the other, [Movie.KeyframeAt] the one to show at a given
// time. Both read the index (moov, moof, sidx) first and of the payload only the
// samples that hold the keyframe. [Mux] turns a keyframe into an MP4 file.
//
// [Movie.Picture] is for who decodes more than keyframes.
//
// [Movie.SetKey] decrypts the samples of fragments with a key that the caller has;
// there is no rights management. There is no decoding of pictures. Of the codecs,
// only H.264 and H.265 have keyframes here; [Init.List] names the others.
package fmp4
