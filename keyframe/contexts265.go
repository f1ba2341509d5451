package keyframe

// contexts265 holds the state of the context variables of an I slice (ISO/IEC
// 23008-2 9.3.2.2), and the statistics of Rice parameters.
type contexts265 struct {
	saoMerge, saoType, bypass, partMode, prevMode, chromaMode uint8

	split          [3]uint8
	splitTransform [3]uint8
	codedLuma      [2]uint8
	codedChroma    [5]uint8
	qpDelta        [2]uint8
	chromaQP       [2]uint8
	crossScale     [8]uint8
	crossSign      [2]uint8
	transformSkip  [2]uint8
	last           [2][18]uint8 // of x and y
	codedBlock     [4]uint8
	significant    [44]uint8
	greater1       [24]uint8
	greater2       [6]uint8
	riceStats      [4]uint8 // StatCoeff
}

// unset is the initValue of contexts without a preference.
const unset = 154

// initial265 holds initValue for initType 0 (tables 9-5 to 9-37).
var initial265 = contexts265{
	saoMerge: 153, saoType: 200, bypass: unset, partMode: 184, prevMode: 184, chromaMode: 63,

	split:          [3]uint8{139, 141, 157},
	splitTransform: [3]uint8{153, 138, 138},
	codedLuma:      [2]uint8{111, 141},
	codedChroma:    [5]uint8{94, 138, 182, 154, 154},
	qpDelta:        [2]uint8{unset, unset},
	chromaQP:       [2]uint8{unset, unset},
	crossScale:     [8]uint8{unset, unset, unset, unset, unset, unset, unset, unset},
	crossSign:      [2]uint8{unset, unset},
	transformSkip:  [2]uint8{139, 139},
	last:           [2][18]uint8{lastInitial265, lastInitial265},
	codedBlock:     [4]uint8{91, 171, 134, 141},
	significant: [44]uint8{
		111, 111, 125, 110, 110, 94, 124, 108, 124, 107, 125, 141, 179, 153, 125,
		107, 125, 141, 179, 153, 125, 107, 125, 141, 179, 153, 125, 140, 139, 182,
		182, 152, 136, 152, 136, 153, 136, 139, 111, 136, 139, 111, 141, 111,
	},
	greater1: [24]uint8{
		140, 92, 137, 138, 140, 152, 138, 139, 153, 74, 149, 92,
		139, 107, 122, 152, 140, 179, 166, 182, 140, 227, 122, 197,
	},
	greater2: [6]uint8{138, 153, 136, 167, 152, 152},
}

var lastInitial265 = [18]uint8{110, 110, 124, 125, 140, 153, 125, 127, 140, 109, 111, 143, 127, 111, 79, 108, 123, 63}

// reset sets all contexts to their values at the beginning of a slice.
func (c *contexts265) reset(qp int) {
	*c = initial265
	qp = min(max(qp, 0), 51)
	for _, group := range [][]uint8{
		c.split[:], c.splitTransform[:], c.codedLuma[:], c.codedChroma[:], c.qpDelta[:], c.chromaQP[:],
		c.crossScale[:], c.crossSign[:], c.transformSkip[:], c.last[0][:], c.last[1][:],
		c.codedBlock[:], c.significant[:], c.greater1[:], c.greater2[:],
	} {
		for n := range group {
			group[n] = initialState265(group[n], qp)
		}
	}
	for _, v := range []*uint8{&c.saoMerge, &c.saoType, &c.bypass, &c.partMode, &c.prevMode, &c.chromaMode} {
		*v = initialState265(*v, qp)
	}
}

// initialState265 returns the state for an initValue.
func initialState265(v uint8, qp int) uint8 {
	return initialState(int(v>>4)*5-45, int(v&15)<<3-16, qp)
}
