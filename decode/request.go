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
	key    string
	packet []byte
	// padded is nil or, for H.265 whose end is open, the packet with more behind its
	// slices, of which a whole one makes the same picture.
	padded []byte
}

// newRequest returns false for frames that only decode alone: those of several pictures;
// those that are deinterlaced, which is done when the next picture is there; H.264 that
// may be of two fields, which ffmpeg does not decode alike in one packet and in two; and
// those of the washer's size.
func newRequest(f *keyframe.Frame, o Output) (*request, bool) {
	i, s := f.Info, shapeOf(f)
	if f.Codec != keyframe.H264 && f.Codec != keyframe.H265 || s.pictures > 1 ||
		i.Interlaced && (f.Codec == keyframe.H264 || o.deinterlace(s) != "") ||
		i.CodedWidth == washerSide && i.CodedHeight == washerSide {
		return nil, false
	}
	r := &request{frame: f, output: o}
	r.output.Width, r.output.Height = o.Size(i)
	if r.output.Width == 0 {
		return nil, false
	}
	data, doubted := coloured(f.Codec, i, f.Data), s.doubted
	s.doubted = false
	key, rest := fmt.Appendf(nil, "%+v%+v", r.output, s), len(data)
	for nalu := range keyframe.AnnexB(data) {
		rest -= 4 + len(nalu)
		if f.Codec.IsParameterSet(nalu) {
			key = binary.BigEndian.AppendUint32(key, uint32(len(nalu)))
			key = append(key, nalu...)
		}
		if f.Codec == keyframe.H264 && f.Codec.IsSPS(nalu) {
			var err error
			if nalu, err = keyframe.WithoutReordering(nalu); err != nil {
				return nil, false
			}
		}
		r.packet = keyframe.AppendNALU(r.packet, nalu)
	}
	if doubted {
		r.padded = padded(r.packet)
	}
	r.key = string(key)
	return r, rest == 0 // else it is not from an Assembler, and who knows what is between
}

// arguments has ffmpeg read IVF, which tells packets apart and numbers them, and
// print the number of each picture. The washers' pictures are dropped in front of the
// filters, whose graph is to stay as it is.
func (r *request) arguments() []string {
	args := append(decoding(r.frame.Codec), "-c:v", r.frame.Codec.String(), "-f", "ivf", "-reinit_filter", "0", "-i", "pipe:0", "-map", "0",
		"-copyts", "-fps_mode", "passthrough", "-flush_packets", "1")
	drop := fmt.Sprintf(`select='not(mod(print(pts),%d))',`, numbersPerRequest)
	return append(args, r.output.ending(drop+r.output.filters(shapeOf(r.frame)))...)
}

// A packet's number is that of the frame's and its place behind it.
const (
	washed            = 1 // what was said before this picture is shown was said of the frame
	late              = 2 // this one may be shown when the next request is there
	numbersPerRequest = 3
)

// packets are the frame's, one of r, and washers. What is decoded of H.265 is shown
// when the next packet is there, at the latest.
func (r *request) packets(frame []byte) [][]byte {
	washer := washer(r.frame.Codec)
	if r.frame.Codec == keyframe.H265 {
		return [][]byte{frame, washer, washer}
	}
	return [][]byte{frame, washer}
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
