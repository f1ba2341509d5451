package keyframe

import (
	"fmt"
	"math/bits"
)

// WithoutReordering returns a sequence parameter set of H.264, a whole NAL unit
// without its start code, that says of the same pictures that they are shown in the
// order they are decoded in. It is for access units that each stand alone: a decoder
// gives such a picture out at once, and otherwise waits for those that might belong
// before it. The error wraps ErrCorrupt.
//
// It replaces the end of the VUI parameters, from bitstream_restriction_flag on
// (ISO/IEC 14496-10 E.1.1).
func WithoutReordering(sps []byte) ([]byte, error) {
	_, r, err := beginSPS264(sps)
	if err != nil {
		return nil, err
	}
	w := &bitWriter{}
	if at := r.pos; r.flag() {
		skipToRestriction264(r)
		w.copy(r.data, 0, r.pos)
	} else {
		w.copy(r.data, 0, at)
		w.bits(1, 1)
		w.bits(0, 8) // nothing of the VUI up to pic_struct_present_flag
	}
	if r.bad {
		return nil, fmt.Errorf("%w: the VUI of a sequence parameter set ends too early", ErrCorrupt)
	}
	w.bits(0b11, 2) // bitstream_restriction_flag, motion_vectors_over_pic_boundaries_flag
	w.ue(0)         // max_bytes_per_pic_denom: no limit
	w.ue(0)         // max_bits_per_mb_denom: no limit
	w.ue(16)        // log2_max_mv_length_horizontal
	w.ue(16)        // log2_max_mv_length_vertical
	w.ue(0)         // max_num_reorder_frames
	w.ue(16)        // max_dec_frame_buffering
	w.bits(1, 1)    // rbsp_stop_one_bit
	return appendEscaped([]byte{sps[0]}, w.data), nil
}

func skipToRestriction264(r *bitReader) {
	vuiPicture(r, &Info{})
	if r.flag() { // timing_info_present_flag
		r.skip(65)
	}
	nal := r.flag()
	if nal {
		skipHRD264(r)
	}
	vcl := r.flag()
	if vcl {
		skipHRD264(r)
	}
	if nal || vcl {
		r.flag() // low_delay_hrd_flag
	}
	r.flag() // pic_struct_present_flag
}

// skipHRD264 reads over hrd_parameters (E.1.2).
func skipHRD264(r *bitReader) {
	count := r.upTo(31) + 1
	r.bits(8)
	for range count {
		r.ue()
		r.ue()
		r.flag()
	}
	r.bits(20)
}

// bitWriter is the counterpart of bitReader.
type bitWriter struct {
	data []byte
	free int // bits of the last byte
}

// bits writes the n lowest bits of v, most significant first.
func (w *bitWriter) bits(v uint32, n int) {
	for n--; n >= 0; n-- {
		if w.free == 0 {
			w.data, w.free = append(w.data, 0), 8
		}
		w.free--
		w.data[len(w.data)-1] |= byte(v>>n&1) << w.free
	}
}

// ue writes an unsigned Exp-Golomb code of v < 2³²−1.
func (w *bitWriter) ue(v uint32) {
	n := bits.Len32(v + 1)
	w.bits(0, n-1)
	w.bits(v+1, n)
}

// copy writes the bits of data between two places.
func (w *bitWriter) copy(data []byte, from, to int) {
	r := &bitReader{data: data, pos: from}
	for range to - from {
		w.bits(r.bits(1), 1)
	}
}
