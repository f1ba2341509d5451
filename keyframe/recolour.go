package keyframe

import (
	"fmt"
	"math/bits"
)

// WithColour returns a sequence parameter set of H.264 or H.265, a whole NAL unit
// without its start code, that tells the range, primaries, transfer characteristics and
// matrix of i in place of its own. It is for decoders, which know nothing else of a
// stream. The error wraps ErrCorrupt, or ErrUnsupported for another codec.
func WithColour(c Codec, sps []byte, i Info) ([]byte, error) {
	var r *bitReader
	var err error
	header, rest := 1, 5 // flags of the VUI behind chroma_loc_info_present_flag, all 0
	switch c {
	case H264:
		_, r, err = beginSPS264(sps)
	case H265:
		header, rest = 2, 6
		_, r, err = beginSPS265(sps)
	default:
		err = fmt.Errorf("%w: codec %v", ErrUnsupported, c)
	}
	if err != nil {
		return nil, err
	}
	w := &bitWriter{}
	if at := r.pos; r.flag() {
		vuiShape(r, &Info{})
		w.copy(r.data, 0, r.pos)
		vuiSignal(r, &Info{})
		w.signal(i)
	} else {
		w.copy(r.data, 0, at)
		w.bits(0b100, 3) // neither aspect_ratio_info nor overscan_info
		w.signal(i)
		w.bits(0, 1+rest)
	}
	end := stopBit(r.data)
	if r.bad || end <= r.pos {
		return nil, fmt.Errorf("%w: a sequence parameter set ends too early", ErrCorrupt)
	}
	w.copy(r.data, r.pos, end)
	return appendEscaped(append([]byte(nil), sps[:header]...), w.data), nil
}

// signal writes what vuiSignal reads.
func (w *bitWriter) signal(i Info) {
	w.bits(1, 1)
	w.bits(5, 3) // video_format: unspecified
	full := uint32(0)
	if i.FullRange {
		full = 1
	}
	w.bits(full, 1)
	w.bits(1, 1) // colour_description_present_flag
	for _, code := range []int{i.Primaries, i.Transfer, i.Matrix} {
		w.bits(uint32(code), 8)
	}
}

// stopBit returns the place behind rbsp_stop_one_bit, 0 where there is none.
func stopBit(rbsp []byte) int {
	for n := len(rbsp); n > 0; n-- {
		if b := rbsp[n-1]; b != 0 {
			return n*8 - bits.TrailingZeros8(b)
		}
	}
	return 0
}
