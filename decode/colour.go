package decode

import "github.com/kfgrab/kfgrab/keyframe"

// coloured returns the data of access units with the colours that they are to be read
// in, for ffmpeg to take from their parameter sets: what a container told in place of
// them, or else what players take for granted. Told by arguments, these would have to
// be known before there is a frame.
func coloured(c keyframe.Codec, i keyframe.Info, data []byte) []byte {
	if c != keyframe.H264 && c != keyframe.H265 || i.CodedWidth == 0 {
		return data
	}
	toSDROf(i).complete(&i)
	i.Matrix = matrixOf(i)
	var head []byte
	changed, rest := false, data
	for nalu := range keyframe.AnnexB(data[:len(data):len(data)]) {
		if !c.IsParameterSet(nalu) {
			break
		}
		rest = data[len(data)-cap(nalu)+len(nalu):]
		if c.IsSPS(nalu) && tellsOther(c, nalu, i) {
			if with, err := keyframe.WithColour(c, nalu, i); err == nil {
				nalu, changed = with, true
			}
		}
		head = keyframe.AppendNALU(head, nalu)
	}
	if !changed {
		return data
	}
	return append(head, rest...)
}

// tellsOther says whether the colours of a parameter set are other than those of i, as
// far as they matter.
func tellsOther(c keyframe.Codec, sps []byte, i keyframe.Info) bool {
	told, err := keyframe.ParseInfo(c, sps)
	return err == nil && (told.Matrix != i.Matrix || told.FullRange != i.FullRange ||
		toSDROf(i) != fits && (told.Primaries != i.Primaries || told.Transfer != i.Transfer))
}

// matrixOf is the matrix of Info or, where it is silent, that of the picture's size as
// players have it: what is larger than television was before it was of high definition
// is BT.709, the rest is BT.601.
func matrixOf(i keyframe.Info) int {
	height := i.Height
	if i.FieldSeq {
		height *= 2
	}
	switch {
	case i.Matrix != keyframe.Unspecified && (i.Matrix != gbrMatrix || i.ChromaFormat == 3):
		return i.Matrix
	case i.Width >= 1280 || height > 576:
		return bt709
	}
	return bt601
}
