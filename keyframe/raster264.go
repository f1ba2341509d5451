package keyframe

// reader264 follows the syntax of the slices of an all-intra picture of H.264, without
// decoding them, to see whether they are whole.
type reader264 interface {
	// startPicture begins a frame or a field.
	startPicture(field bool)
	// isCovered reports whether the slices have filled the picture.
	isCovered() bool
	// readSlice reads the slice data after the header. It reports whether the slice is
	// whole and begins where the one before ended.
	readSlice(h *slice264, header *bitReader, qp int) bool
}

// newReader264 returns a reader of one frame, or nil if its slices are of a kind that is
// not followed.
func newReader264(sps *sps264, pps *pps264) reader264 {
	const extended = 88 // profile_idc; it has SI slices and data partitions
	if pps.groups > 1 || sps.adaptive || sps.info.ChromaFormat == 3 || sps.info.ProfileIDC == extended {
		return nil
	}
	r := raster264{
		chroma: sps.info.ChromaFormat, depths: [2]int{sps.info.BitDepth, sps.chromaDepth},
		width: sps.info.CodedWidth / 16, height: sps.info.CodedHeight / 16,
	}
	if pps.cabac {
		return &cabac264{raster264: r, mbs: make([]macroblock264, r.width*r.height)}
	}
	return &cavlc264{raster264: r, mbs: make([]counts264, r.width*r.height)}
}

// raster264 is the way through the macroblocks of a picture.
type raster264 struct {
	chroma        int // ChromaArrayType
	depths        [2]int
	width, height int // of a frame in macroblocks
	field         int // 1 in a field picture
	transform8x8  bool

	next  int // mb_addr of the next macroblock
	slice int // number of the slice, from 1 on, in the frame
}

func (r *raster264) startPicture(field bool) {
	r.next, r.field = 0, 0
	if field {
		r.field = 1
	}
}

func (r *raster264) isCovered() bool { return r.next == r.pictureSize() }

func (r *raster264) pictureSize() int { return r.width * r.height >> r.field }

// startSlice reports whether a slice begins where the one before ended.
func (r *raster264) startSlice(h *slice264) bool {
	r.slice++
	r.transform8x8 = h.pps.transform8x8
	return int(h.firstMb) == r.next
}

// bitsOfPCM is the size of the samples of I_PCM.
func (r *raster264) bitsOfPCM() int {
	return 256*r.depths[0] + 128*r.chroma*r.depths[1]
}
