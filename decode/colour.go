package decode

import "github.com/kfgrab/kfgrab/keyframe"

// sdrConversion is how the colours of a stream are converted so that they fit into a
// picture of BT.709.
type sdrConversion uint8

const (
	fitsSDR    sdrConversion = iota
	wideColour               // the primaries are wider
	hdr                      // the luminance is higher as well
)

// Code points of ISO/IEC 23091-2. Some stand for primaries and for a matrix; bt709
// stands for a transfer function, too.
const (
	gbrMatrix   = 0
	bt709       = 1
	bt601       = 6
	yCgCoMatrix = 8
	bt2020      = 9
	yDzDxMatrix = 11
	smpte431    = 11 // primaries of cinema
	displayP3   = 12 // the same with the white of BT.709
)

func sdrConversionFor(i keyframe.Info) sdrConversion {
	switch {
	case i.Matrix == gbrMatrix, i.Matrix == yCgCoMatrix, i.Matrix == yDzDxMatrix: // ffmpeg's scale cannot read them
		return fitsSDR
	case i.HDR():
		return hdr
	case i.Primaries == bt2020, i.Primaries == smpte431, i.Primaries == displayP3:
		return wideColour
	}
	return fitsSDR
}

// filters returns filters that convert any pixel format to yuv444p of BT.709, and end
// with scale. Luminances that SDR and HDR share, up to the white of 203 cd/m² (ITU-R
// BT.2408), stay nearly unchanged. Higher ones, up to the 1000 cd/m² that most HDR is
// made for, are compressed into the rest.
func (c sdrConversion) filters() string {
	switch c {
	case wideColour:
		return ",format=yuv444p10,zscale=p=bt709:t=bt709:m=bt709:r=limited,format=yuv444p,scale=iw:ih"
	case hdr:
		return ",format=yuv444p10,zscale=t=linear:npl=203,format=gbrpf32,zscale=p=bt709," +
			"tonemap=mobius:peak=5:desat=0,zscale=t=bt709:m=bt709:r=limited,format=yuv444p,scale=iw:ih"
	}
	return ""
}

// fillIn sets what zscale needs to know and the stream does not signal.
func (c sdrConversion) fillIn(i *keyframe.Info) {
	if c == fitsSDR {
		return
	}
	if i.Primaries == keyframe.Unspecified {
		i.Primaries = bt2020
	}
	if i.Matrix == keyframe.Unspecified {
		i.Matrix = bt2020
	}
	if i.Transfer == keyframe.Unspecified {
		i.Transfer = bt709
	}
}

// Primaries returns the code point (ISO/IEC 23091-2) of the primaries of the picture
// that Decode makes of a frame with that Info: those of BT.709, which are sRGB's, if
// Decode converts to them or the stream signals none, else the stream's.
func (o Output) Primaries(i keyframe.Info) int {
	if sdrConversionFor(i) != fitsSDR || i.Primaries <= 0 || i.Primaries == keyframe.Unspecified {
		return bt709
	}
	return i.Primaries
}

// withColours returns an access unit whose parameter sets signal the colours that i
// holds: those of the container, or else those that players assume. ffmpeg then takes
// them from there. As arguments, they would have to be known before there is a frame.
func withColours(c keyframe.Codec, i keyframe.Info, data []byte) []byte {
	if (c != keyframe.H264 && c != keyframe.H265) || i.CodedWidth == 0 {
		return data
	}
	sdrConversionFor(i).fillIn(&i)
	i.Matrix = assumedMatrix(i)

	var head []byte
	changed, rest := false, data
	for nalu := range keyframe.AnnexB(data[:len(data):len(data)]) {
		if !c.IsParameterSet(nalu) {
			break
		}
		rest = data[len(data)-cap(nalu)+len(nalu):]
		if c.IsSPS(nalu) && signalsOther(c, nalu, i) {
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

// signalsOther reports whether an SPS signals other colours than i, as far as they
// matter.
func signalsOther(c keyframe.Codec, sps []byte, i keyframe.Info) bool {
	was, err := keyframe.ParseInfo(c, sps)
	if err != nil {
		return false
	}
	if was.Matrix != i.Matrix || was.FullRange != i.FullRange {
		return true
	}
	return sdrConversionFor(i) != fitsSDR && (was.Primaries != i.Primaries || was.Transfer != i.Transfer)
}

// assumedMatrix returns the matrix of i or, if the stream signals none, the one that
// players assume for the picture's size: BT.709 for pictures larger than those of
// standard definition, else BT.601.
func assumedMatrix(i keyframe.Info) int {
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
