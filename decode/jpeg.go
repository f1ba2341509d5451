package decode

import (
	"bytes"
	"image/jpeg"

	"github.com/kfgrab/kfgrab/keyframe"
)

// asWanted says whether f is a whole JPEG already that is like those of ffmpeg: it
// would only lose by being coded again. One that is damaged is left to ffmpeg, which
// tells.
func asWanted(f *keyframe.Frame, o Output) bool {
	i := f.Info
	width, height := o.Size(i)
	if f.Codec != keyframe.JPEG || !f.Crop.Empty() || o.Format != JPEG || o.Quality != 0 || o.Crop != (Crop{}) || width != i.Width || height != i.Height ||
		i.Profile != "Baseline" || i.ChromaFormat != 1 {
		return false
	}
	_, err := jpeg.Decode(bytes.NewReader(f.Data))
	return err == nil
}
