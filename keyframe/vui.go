package keyframe

// sampleAspectRatios are the values of aspect_ratio_idc 1 to 16
// (ISO/IEC 14496-10 table E-1, ISO/IEC 23008-2 table E.1).
var sampleAspectRatios = [...][2]int{
	{1, 1},
	{12, 11},
	{10, 11},
	{16, 11},
	{40, 33},
	{24, 11},
	{20, 11},
	{32, 11},
	{80, 33},
	{18, 11},
	{15, 11},
	{64, 33},
	{160, 99},
	{4, 3},
	{3, 2},
	{2, 1},
}

const extendedSAR = 255

// parseVUIPicture reads the beginning of the VUI parameters, which H.264 (E.1.1)
// and H.265 (E.2.1) share: sample aspect ratio, colour, chroma location.
func parseVUIPicture(r *bitReader, i *Info) {
	parseVUIShape(r, i)
	parseVUISignal(r, i)
	if r.readFlag() { // chroma_loc_info_present_flag
		r.readUE()
		r.readUE()
	}
}

// parseVUIShape reads up to overscan_appropriate_flag.
func parseVUIShape(r *bitReader, i *Info) {
	if r.readFlag() { // aspect_ratio_info_present_flag
		switch idc := int(r.readBits(8)); {
		case idc == extendedSAR:
			num, den := int(r.readBits(16)), int(r.readBits(16))
			if num > 0 && den > 0 {
				i.SARNum, i.SARDen = reduceFraction(num, den)
			}
		case idc >= 1 && idc <= len(sampleAspectRatios):
			i.SARNum, i.SARDen = sampleAspectRatios[idc-1][0], sampleAspectRatios[idc-1][1]
		}
	}

	if r.readFlag() { // overscan_info_present_flag
		r.readFlag()
	}
}

// parseVUISignal reads video_signal_type_present_flag and the fields that it
// announces.
func parseVUISignal(r *bitReader, i *Info) {
	if r.readFlag() {
		r.readBits(3) // video_format
		i.FullRange = r.readFlag()
		if r.readFlag() { // colour_description_present_flag
			i.Primaries, i.Transfer, i.Matrix = int(r.readBits(8)), int(r.readBits(8)), int(r.readBits(8))
		}
	}
}

func reduceFraction(num, den int) (int, int) {
	a, b := num, den
	for b != 0 {
		a, b = b, a%b
	}
	return num / a, den / a
}
