package decode

import (
	"fmt"

	"github.com/kfgrab/kfgrab/keyframe"
)

// conversion is how the colours of a stream are converted to those that a picture has.
type conversion struct {
	kind conversionKind
	rgb  bool // the decoded picture has red, green and blue planes
}

type conversionKind uint8

const (
	asCoded      conversionKind = iota // the scale filter reads the matrix, and the rest fits a picture
	matrixOnly                         // the scale filter cannot read the matrix
	toBT709                            // the primaries are wider
	fromConstant                       // the matrix is for linear light
	toSRGB                             // the transfer function is not that of a display
	toneMapped                         // the luminance is higher as well
)

// Code points of ISO/IEC 23091-2. Some stand for primaries, transfer function and
// matrix.
const (
	bt709  = 1
	bt601  = 6
	bt2020 = 9

	gbrMatrix            = 0
	reservedMatrix       = 3
	yCgCoMatrix          = 8
	bt2020ConstantMatrix = 10
	yDzDxMatrix          = 11 // SMPTE ST 2085
	derivedMatrix        = 12 // of the primaries
	derivedConstant      = 13 // the same, of constant luminance
	ictcpMatrix          = 14 // ITU-R BT.2100
	iptMatrix            = 15 // SMPTE ST 2128, of Dolby Vision
	yCgCoREvenMatrix     = 16
	yCgCoROddMatrix      = 17

	linearTransfer = 8
	log100Transfer = 9
	log316Transfer = 10
	cinemaTransfer = 17 // SMPTE ST 428-1
	pqTransfer     = 16

	xyzPrimaries = 10 // SMPTE ST 428-1
	smpte431     = 11 // primaries of cinema
	displayP3    = 12 // the same with the white of BT.709
)

// conversionFor returns the conversion for a stream that checkColours accepts.
func conversionFor(i keyframe.Info) conversion {
	c := conversion{}
	switch {
	case i.HDR(), i.Matrix == ictcpMatrix:
		c.kind = toneMapped
	case isOffDisplay(i.Transfer):
		c.kind = toSRGB
	case i.Matrix == bt2020ConstantMatrix, i.Matrix == derivedConstant:
		c.kind = fromConstant
	case isWide(i.Primaries):
		c.kind = toBT709
	case i.Matrix == yCgCoMatrix, i.Matrix == derivedMatrix:
		c.kind = matrixOnly
	}
	c.rgb = c.kind != asCoded && isRGB(i)
	return c
}

// isRGB reports whether ffmpeg decodes the picture to red, green and blue planes.
func isRGB(i keyframe.Info) bool { return i.Matrix == gbrMatrix && i.ChromaFormat == 3 }

// isUnknownMatrix reports whether the matrix means nothing: it is unspecified, reserved,
// or one for RGB in a picture whose planes differ in size.
func isUnknownMatrix(i keyframe.Info) bool {
	switch i.Matrix {
	case gbrMatrix:
		return !isRGB(i)
	case keyframe.Unspecified, reservedMatrix:
		return true
	}
	return i.Matrix > yCgCoROddMatrix
}

// isWide reports whether primaries enclose more colours than those of displays for SDR.
func isWide(primaries int) bool {
	return primaries == bt2020 || primaries == smpte431 || primaries == displayP3
}

// isOffDisplay reports whether a picture with that transfer function looks wrong on a
// display for television's or sRGB's, which are alike.
func isOffDisplay(transfer int) bool {
	switch transfer {
	case linearTransfer, log100Transfer, log316Transfer:
		return true
	}
	return false
}

// checkColours refuses colours that no filter of ffmpeg converts.
func checkColours(i keyframe.Info) error {
	matrix, transfer, primaries := i.ColourNames()
	switch {
	case i.Matrix == iptMatrix:
		return fmt.Errorf("%w: its colours (%s) are those of Dolby Vision, which only a Dolby Vision decoder shows", keyframe.ErrUnsupported, matrix)
	case i.Matrix == yDzDxMatrix, i.Matrix == yCgCoREvenMatrix, i.Matrix == yCgCoROddMatrix:
		return fmt.Errorf("%w: its colour matrix %s cannot be converted to RGB", keyframe.ErrUnsupported, matrix)
	case i.Transfer == cinemaTransfer:
		return fmt.Errorf("%w: its transfer function %s cannot be converted to sRGB", keyframe.ErrUnsupported, transfer)
	case i.Primaries == xyzPrimaries:
		return fmt.Errorf("%w: its colour primaries %s (XYZ) cannot be converted to RGB", keyframe.ErrUnsupported, primaries)
	}
	return nil
}

// needsFilters reports whether the picture looks wrong, not just pale, without the
// filters of its conversion.
func needsFilters(i keyframe.Info) bool {
	switch i.Matrix {
	case yCgCoMatrix, bt2020ConstantMatrix, derivedMatrix, derivedConstant, ictcpMatrix:
		return true
	}
	return isOffDisplay(i.Transfer)
}

// noFiltersError is the error for a picture that needs filters of an ffmpeg without
// them.
func noFiltersError(i keyframe.Info) error {
	matrix, transfer, _ := i.ColourNames()
	return &Error{Err: fmt.Errorf("%w: this ffmpeg has no zscale filter to convert the picture's colours (matrix %q, transfer %q)",
		keyframe.ErrUnsupported, matrix, transfer)}
}

// filters returns filters that convert any pixel format to yuv444p of the matrix of
// BT.709, and end with scale. Luminances that SDR and HDR share, up to the white of 203
// cd/m² (ITU-R BT.2408), stay nearly unchanged. Higher ones, up to the 1000 cd/m² that
// most HDR is made for, are compressed into the rest.
//
// With matrices of constant luminance, zscale's light is that of the camera, and with
// all others that of the display. BT.709's curve of a camera is that of sRGB raised to
// the power of 2.8/2.4, but for 1 %; bt470bg is 2.8.
func (c conversion) filters() string {
	const end = "m=bt709:r=limited,format=yuv444p,scale=iw:ih"
	v := ",format=" + c.deepFormat() + ",zscale="
	switch c.kind {
	case matrixOnly:
		return v + end
	case toBT709:
		return v + "p=bt709:t=bt709:" + end
	case fromConstant:
		return v + "t=iec61966-2-1:m=bt2020nc,setparams=color_trc=bt470bg,zscale=p=bt709:t=bt709:" + end
	case toSRGB:
		return v + "p=bt709:t=iec61966-2-1:" + end
	case toneMapped:
		return v + "t=linear:npl=203,format=gbrpf32,zscale=p=bt709," +
			"tonemap=mobius:peak=5:desat=0,zscale=t=bt709:" + end
	}
	return ""
}

// deepFormat returns the pixel format for zscale. The scale filter in front of it cannot
// read every matrix, so planes stay what they are.
func (c conversion) deepFormat() string {
	if c.rgb {
		return "gbrp10"
	}
	return "yuv444p10"
}

// fillIn sets what zscale needs to know and the stream does not signal.
func (c conversion) fillIn(i *keyframe.Info) {
	if c.kind == asCoded {
		return
	}

	wide := c.kind == toneMapped || isWide(i.Primaries) || i.Matrix == bt2020 || i.Matrix == bt2020ConstantMatrix
	if i.HDR() && i.Matrix == bt2020ConstantMatrix {
		i.Matrix = bt2020 // a wrong label: BT.2100 has no constant luminance but that of ICtCp
	}
	if i.Transfer == keyframe.Unspecified && i.Matrix == ictcpMatrix {
		i.Transfer = pqTransfer
	}
	if i.Transfer == keyframe.Unspecified {
		i.Transfer = bt709
	}
	if i.Primaries == keyframe.Unspecified {
		i.Primaries = bt709
		if wide {
			i.Primaries = bt2020
		}
	}
	if isUnknownMatrix(*i) && wide {
		i.Matrix = bt2020
	}
}

// Primaries returns the code point (ISO/IEC 23091-2) of the primaries of the picture
// that Decode makes of a frame with that Info: those of BT.709, which are sRGB's, if
// Decode converts to them or the stream signals none, else the stream's.
func (o Output) Primaries(i keyframe.Info) int {
	if conversionFor(i).kind >= toBT709 || i.Primaries <= 0 || i.Primaries == keyframe.Unspecified {
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
	conversionFor(i).fillIn(&i)
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
	return conversionFor(i).kind >= toBT709 && (was.Primaries != i.Primaries || was.Transfer != i.Transfer)
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
	case !isUnknownMatrix(i):
		return i.Matrix
	case i.Width >= 1280 || height > 576:
		return bt709
	}
	return bt601
}
