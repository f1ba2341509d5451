package decode

import (
	"fmt"
	"math"

	"github.com/kfgrab/kfgrab/keyframe"
)

// defaultQuality keeps the edges of captions clean in JPEG.
const defaultQuality = 90

// arguments returns ffmpeg's command line for access units of shape s, which is
// all of a frame that they depend on.
func arguments(s shape, o Output) []string {
	frames := "1"
	if s.doubted {
		frames = "2"
	}
	v := o.deinterlace(s)
	if s.pictures > 1 {
		v += fmt.Sprintf(`select='gte(n,%d)',`, s.pictures-1)
	}
	args := append(decoder(s.codec), "-frames:v", frames)
	return append(args, o.ending(v+o.filters(s))...)
}

// decoder is the part up to the stream to be decoded.
func decoder(c keyframe.Codec) []string {
	return append(decoding(c), "-f", c.String(), "-i", "pipe:0", "-map", "0")
}

// decoding is the part up to the container.
func decoding(c keyframe.Codec) []string {
	// One thread: slices are the only thing to share in a single picture, and
	// with slice threads H.264 errors go unreported.
	args := []string{
		"-hide_banner", "-nostdin", "-nostats", "-v", "level+info",
		"-protocol_whitelist", "pipe", "-threads", "1",
		"-nofind_stream_info", // which would decode the picture once more
		// Pictures that are not IDR are wanted as well. Cropping at the left is
		// inexact without unaligned.
		"-flags", "+output_corrupt+unaligned", "-flags2", "+showall", "-noautorotate",
	}
	if c != keyframe.H264 {
		// H.265 errors within a slice are silent otherwise, and of a JPEG that breaks off
		// there would be a picture. Not for H.264, where a reference picture missing is
		// no error in the picture.
		args = append(args, "-err_detect", "explode+crccheck")
	}
	return args
}

// ending is the part from the filters on.
func (o Output) ending(filters string) []string {
	args := []string{"-threads", "1", "-filter_threads", "1", "-vf", filters, "-flags", "+bitexact"}
	return append(append(args, o.encoder()...), "pipe:1")
}

// deinterlace comes in front of what picks pictures: where there are several, the
// neighbours help. What H.264 says of each picture is ffmpeg's to read, so that
// progressive ones pass. Of a single picture yadif changes the lines of one field where
// they stick out from those around.
func (o Output) deinterlace(s shape) string {
	switch {
	case o.KeepInterlaced:
	case s.codec == keyframe.H264:
		return "yadif=deint=interlaced,"
	case s.weaved:
		return "yadif,"
	}
	return ""
}

func (o Output) filters(s shape) string {
	v := ""
	if c := s.crop; !c.Empty() {
		v += fmt.Sprintf("crop=%d:%d:%d:%d:exact=1,", c.Dx(), c.Dy(), c.Min.X, c.Min.Y)
	}
	if s.codec == keyframe.JPEG {
		v += "setsar=1," // its density is not told by Info
	}
	v += s.upright() + o.crop(s) + o.scale() + s.sdr.filters()
	switch o.Format {
	case JPEG:
		v += ":out_color_matrix=bt601:out_range=full" + o.bars("yuvj444p") + ",format=" + o.jpegFormats(s)
	case WebP:
		v += ":out_color_matrix=bt601:out_range=limited" + o.bars("yuv444p") + ",format=yuv420p"
	case PNG:
		// Else ffmpeg writes gAMA for the stream's curve, which viewers follow, and the
		// picture is paler than as JPEG.
		v += ",format=rgb24" + o.bars("") + ",setparams=color_primaries=unknown:color_trc=unknown"
	case RGB24:
		v += ",format=rgb24" + o.bars("")
	case BGR24:
		v += ",format=bgr24" + o.bars("")
	}
	return v + ",setsar=1"
}

// jpegFormats keep the lines and columns that colour has. What fills it up on the way
// adds nothing to it.
func (o Output) jpegFormats(s shape) string {
	if s.sdr != fits || o.Fit == Contain {
		return "yuvj420p"
	}
	return "yuvj420p|yuvj422p|yuvj444p"
}

// upright comes in front of what goes by width and height.
func (s shape) upright() (v string) {
	if s.field {
		v = "setsar=sar/2:max=65535,scale=iw:2*ih,"
	}
	if s.mirrored {
		v += "hflip,"
	}
	switch s.rotation {
	case 90:
		v += "transpose=clock,"
	case 180:
		v += "hflip,vflip,"
	case 270:
		v += "transpose=cclock,"
	}
	return v
}

func (o Output) encoder() []string {
	q := o.Quality
	if q == 0 {
		q = defaultQuality
	}
	switch o.Format {
	case PNG:
		return []string{"-c:v", "png", "-f", "image2pipe"}
	case WebP:
		return []string{"-c:v", "libwebp", "-quality", fmt.Sprint(q), "-f", "image2pipe"}
	case RGB24, BGR24:
		return []string{"-c:v", "rawvideo", "-f", "rawvideo"}
	}
	return []string{"-c:v", "mjpeg", "-q:v", fmt.Sprint(quantiser(q)), "-f", "image2pipe"}
}

// quantiser maps 1..100 to ffmpeg's scale for JPEG, from 31 to 2.
func quantiser(quality int) int {
	return 31 - int(math.Round(float64(quality-1)*29/99))
}
