package decode

import (
	"fmt"
	"math"

	"github.com/kfgrab/kfgrab/keyframe"
)

// defaultQuality keeps the edges of captions clean in JPEG.
const defaultQuality = 90

// frameArguments returns ffmpeg's command line for frames of shape s.
func frameArguments(s shape, o Output) []string {
	frames := "1"
	if s.openEnd {
		frames = "2"
	}
	filters := o.deinterlaceFilter(s)
	if s.pictures > 1 {
		filters += fmt.Sprintf(`select='gte(n,%d)',`, s.pictures-1)
	}

	args := append(streamArguments(s.codec), "-frames:v", frames)
	return append(args, o.outputArguments(filters+o.filters(s))...)
}

// streamArguments returns the arguments for a byte stream on standard input.
func streamArguments(c keyframe.Codec) []string {
	return append(decoderArguments(c), "-f", c.String(), "-i", "pipe:0", "-map", "0")
}

// decoderArguments returns the arguments in front of the container.
func decoderArguments(c keyframe.Codec) []string {
	// One thread: slices are the only thing to share in a single picture, and with
	// slice threads H.264 errors go unreported.
	args := []string{
		"-hide_banner", "-nostdin", "-nostats", "-v", "level+info",
		"-protocol_whitelist", "pipe", "-threads", "1",
		"-nofind_stream_info", // which would decode the picture once more
		// output_corrupt and showall: pictures that are not IDR are wanted as well.
		// unaligned: cropping at the left is inexact without it.
		"-flags", "+output_corrupt+unaligned", "-flags2", "+showall", "-noautorotate",
	}
	if c != keyframe.H264 {
		// Without this, H.265 errors inside a slice are silent, and a truncated JPEG
		// gives a picture. In H.264 a missing reference picture would become an error,
		// although the keyframe is good.
		args = append(args, "-err_detect", "explode+crccheck")
	}
	return args
}

// outputArguments returns the arguments from the filters on.
func (o Output) outputArguments(filters string) []string {
	args := []string{"-threads", "1", "-filter_threads", "1", "-vf", filters, "-flags", "+bitexact"}
	return append(append(args, o.encoderArguments()...), "pipe:1")
}

// deinterlaceFilter returns the filter that stands in front of the one that selects
// pictures, because neighbours help. ffmpeg reads whether an H.264 picture is
// interlaced; progressive ones pass unchanged. In a single picture, yadif changes the
// lines of one field where they differ from the lines around them.
func (o Output) deinterlaceFilter(s shape) string {
	switch {
	case o.KeepInterlaced:
	case s.codec == keyframe.H264:
		return "yadif=deint=interlaced,"
	case s.woven:
		return "yadif,"
	}
	return ""
}

// filters returns the filter graph from decoded pictures to encoded ones.
func (o Output) filters(s shape) string {
	v := ""
	if c := s.crop; !c.Empty() {
		v += fmt.Sprintf("crop=%d:%d:%d:%d:exact=1,", c.Dx(), c.Dy(), c.Min.X, c.Min.Y)
	}
	if s.codec == keyframe.JPEG {
		v += "setsar=1," // Info does not contain its density
	}
	v += s.uprightFilters() + o.cropFilters(s) + o.scaleFilter() + s.colour.filters()

	switch o.Format {
	case JPEG:
		v += ":out_color_matrix=bt601:out_range=full" + o.padFilter("yuvj444p") + ",format=" + o.jpegPixelFormats(s)
	case WebP:
		v += ":out_color_matrix=bt601:out_range=limited" + o.padFilter("yuv444p") + ",format=yuv420p"
	case PNG:
		// Without setparams, ffmpeg writes gAMA for the stream's curve. Viewers apply it,
		// and the picture looks paler than the JPEG.
		v += ",format=rgb24" + o.padFilter("") + ",setparams=color_primaries=unknown:color_trc=unknown"
	case RGB24:
		v += ",format=rgb24" + o.padFilter("")
	case BGR24:
		v += ",format=bgr24" + o.padFilter("")
	}
	return v + ",setsar=1"
}

// jpegPixelFormats keeps the colour resolution of the stream. Filters that fill up
// colour add nothing to it.
func (o Output) jpegPixelFormats(s shape) string {
	if s.colour.kind != asCoded || o.Fit == Contain {
		return "yuvj420p"
	}
	return "yuvj420p|yuvj422p|yuvj444p"
}

// uprightFilters stand in front of what depends on width and height.
func (s shape) uprightFilters() (v string) {
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

func (o Output) encoderArguments() []string {
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
	return []string{"-c:v", "mjpeg", "-q:v", fmt.Sprint(jpegQuantiser(q)), "-f", "image2pipe"}
}

// jpegQuantiser maps a quality of 1 to 100 to ffmpeg's scale for JPEG, 31 to 2.
func jpegQuantiser(quality int) int {
	return 31 - int(math.Round(float64(quality-1)*29/99))
}
