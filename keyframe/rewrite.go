package keyframe

import (
	"fmt"
	"math/bits"
)

// WithColour returns a sequence parameter set of H.264 or H.265, a whole NAL unit
// without its start code, with the range, primaries, transfer characteristics and
// matrix of i. It is for decoders, which know nothing else of a stream. The error
// wraps ErrCorrupt, or ErrUnsupported for another codec.
func WithColour(c Codec, sps []byte, i Info) ([]byte, error) {
	var r *bitReader
	var err error
	header, rest := 1, 5 // flags of the VUI from chroma_loc_info_present_flag on, all 0
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
	if at := r.pos; r.readFlag() {
		parseVUIShape(r, &Info{})
		w.copyBits(r.data, 0, r.pos)
		parseVUISignal(r, &Info{})
		w.writeSignal(i)
	} else {
		w.copyBits(r.data, 0, at)
		w.writeBits(0b100, 3) // neither aspect_ratio_info nor overscan_info
		w.writeSignal(i)
		w.writeBits(0, 1+rest)
	}

	end := endOfRBSP(r.data)
	if r.bad || end <= r.pos {
		return nil, fmt.Errorf("%w: a sequence parameter set ends too early", ErrCorrupt)
	}
	w.copyBits(r.data, r.pos, end)
	return appendEscaped(append([]byte(nil), sps[:header]...), w.data), nil
}

// writeSignal is the counterpart of parseVUISignal.
func (w *bitWriter) writeSignal(i Info) {
	w.writeBits(1, 1)
	w.writeBits(5, 3) // video_format: unspecified
	full := uint32(0)
	if i.FullRange {
		full = 1
	}
	w.writeBits(full, 1)
	w.writeBits(1, 1) // colour_description_present_flag
	for _, code := range []int{i.Primaries, i.Transfer, i.Matrix} {
		w.writeBits(uint32(code), 8)
	}
}

// endOfRBSP returns the position after rbsp_stop_one_bit, 0 if there is none.
func endOfRBSP(rbsp []byte) int {
	for n := len(rbsp); n > 0; n-- {
		if b := rbsp[n-1]; b != 0 {
			return n*8 - bits.TrailingZeros8(b)
		}
	}
	return 0
}

// WithoutReordering returns a sequence parameter set of H.264, a whole NAL unit
// without its start code, which says that the pictures are shown in the order of
// decoding. It is for access units that each stand alone: a decoder returns such a
// picture at once, and otherwise waits for pictures that might precede it. The error
// wraps ErrCorrupt.
//
// WithoutReordering replaces the end of the VUI parameters, from
// bitstream_restriction_flag on (ISO/IEC 14496-10 E.1.1).
func WithoutReordering(sps []byte) ([]byte, error) {
	_, r, err := beginSPS264(sps)
	if err != nil {
		return nil, err
	}

	w := &bitWriter{}
	if at := r.pos; r.readFlag() {
		skipToRestriction264(r)
		w.copyBits(r.data, 0, r.pos)
	} else {
		w.copyBits(r.data, 0, at)
		w.writeBits(1, 1)
		w.writeBits(0, 8) // nothing of the VUI up to pic_struct_present_flag
	}
	if r.bad {
		return nil, fmt.Errorf("%w: the VUI of a sequence parameter set ends too early", ErrCorrupt)
	}

	w.writeBits(0b11, 2) // bitstream_restriction_flag, motion_vectors_over_pic_boundaries_flag
	w.writeUE(0)         // max_bytes_per_pic_denom: no limit
	w.writeUE(0)         // max_bits_per_mb_denom: no limit
	w.writeUE(16)        // log2_max_mv_length_horizontal
	w.writeUE(16)        // log2_max_mv_length_vertical
	w.writeUE(0)         // max_num_reorder_frames
	w.writeUE(16)        // max_dec_frame_buffering
	w.writeBits(1, 1)    // rbsp_stop_one_bit
	return appendEscaped([]byte{sps[0]}, w.data), nil
}

func skipToRestriction264(r *bitReader) {
	parseVUIPicture(r, &Info{})
	if r.readFlag() { // timing_info_present_flag
		r.skipBits(65)
	}

	nal := r.readFlag()
	if nal {
		skipHRD264(r)
	}
	vcl := r.readFlag()
	if vcl {
		skipHRD264(r)
	}

	if nal || vcl {
		r.readFlag() // low_delay_hrd_flag
	}
	r.readFlag() // pic_struct_present_flag
}

// skipHRD264 skips hrd_parameters (E.1.2).
func skipHRD264(r *bitReader) {
	count := r.readUEUpTo(31) + 1
	r.readBits(8)
	for range count {
		r.readUE()
		r.readUE()
		r.readFlag()
	}
	r.readBits(20)
}
