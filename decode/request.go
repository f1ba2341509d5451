package decode

import (
	"encoding/binary"
	"fmt"

	"github.com/kfgrab/kfgrab/keyframe"
)

// request is a frame as a decoder that stays up is given it.
type request struct {
	frame  *keyframe.Frame
	output Output // of the size that the picture will have
	// key is all that a picture depends on but its slices: parameter sets, shape and output.
	// A decoder keeps parameter sets, so that with those of another stream a broken
	// access unit could still become a picture.
	key string
	// packet is the access unit, which says that nothing is shown before or after it.
	packet []byte
}

// newRequest returns false for frames that only decode alone. What a decoder still
// knows of the frames before must not matter to one: an IDR picture of H.264 forgets
// it, and what is missing in it is told. Of H.265 what is missing would be silently
// taken from the picture before.
func newRequest(f *keyframe.Frame, o Output) (*request, bool) {
	if f.Codec != keyframe.H264 || f.Kind != keyframe.IDR || f.Pictures > 1 {
		return nil, false
	}
	if f.Info.Interlaced && !o.KeepInterlaced {
		return nil, false // deinterlaced when the next picture is there
	}
	r := &request{frame: f, output: o}
	r.output.Width, r.output.Height = o.Size(f.Info)
	if r.output.Width == 0 {
		return nil, false
	}
	data := coloured(f.Codec, f.Info, f.Data)
	key, rest := fmt.Appendf(nil, "%+v%+v", r.output, shapeOf(f)), len(data)
	for nalu := range keyframe.AnnexB(data) {
		rest -= 4 + len(nalu)
		if isSet(f.Codec, nalu) {
			key = binary.BigEndian.AppendUint32(key, uint32(len(nalu)))
			key = append(key, nalu...)
		}
		if isSPS(f.Codec, nalu) {
			var err error
			if nalu, err = keyframe.WithoutReordering(nalu); err != nil {
				return nil, false
			}
		}
		r.packet = keyframe.AppendNALU(r.packet, nalu)
	}
	r.key = string(key)
	return r, rest == 0 // else it is not from an Assembler, and who knows what is between
}

// arguments has ffmpeg read IVF, which tells packets apart and numbers them, and
// print the number of each picture before it is coded.
func (r *request) arguments() []string {
	args := append(decoding(r.frame.Codec), "-c:v", r.frame.Codec.String(), "-f", "ivf", "-i", "pipe:0", "-map", "0",
		"-copyts", "-fps_mode", "passthrough", "-flush_packets", "1")
	return append(args, r.output.ending("showinfo=checksum=0,"+r.output.filters(shapeOf(r.frame)))...)
}

// ivfHeader begins the stream.
func (r *request) ivfHeader() []byte {
	h := []byte("DKIF\x00\x00\x20\x00\x00\x00\x00\x00") // version, length, no codec
	h = binary.LittleEndian.AppendUint16(h, uint16(r.frame.Info.CodedWidth))
	h = binary.LittleEndian.AppendUint16(h, uint16(r.frame.Info.CodedHeight))
	h = binary.LittleEndian.AppendUint32(h, 25) // units of time in a second
	h = binary.LittleEndian.AppendUint32(h, 1)
	return append(h, make([]byte, 8)...)
}

// ivfFrame begins a packet.
func ivfFrame(size int, number uint64) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(nil, uint32(size)), number)
}
