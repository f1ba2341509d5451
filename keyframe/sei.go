package keyframe

// recoveryPoint is a payloadType (ISO/IEC 14496-10 D.1.8). In H.265 it belongs to
// pictures that are none to start from here.
const recoveryPoint = 6

// readSEI looks for the messages of an SEI NAL unit that matter here (ISO/IEC 14496-10
// 7.3.2.3, ISO/IEC 23008-2 7.3.2.4).
func (a *Assembler) readSEI(nalu []byte) {
	header := 1
	if a.codec == H265 {
		header = 2
	}
	a.scratch = AppendRBSP(a.scratch[:0], nalu[header:])
	rest := a.scratch
	for len(rest) > 2 {
		kind, n := seiNumber(rest)
		size, m := seiNumber(rest[n:])
		rest = rest[n+m:]
		if size > len(rest) {
			return
		}
		r := bitReader{data: rest[:size]}
		switch {
		case kind == recoveryPoint && a.codec == H264:
			if count := r.ue(); !r.bad {
				a.recovery = int(count)
			}
		case kind == displayOrientation:
			a.told = new(readDisplayOrientation(&r))
		}
		rest = rest[size:]
	}
}

// seiNumber reads payloadType or payloadSize: bytes of 255 and a last one, added
// up. It returns how many bytes it took.
func seiNumber(b []byte) (value, n int) {
	for n < len(b) {
		value += int(b[n])
		n++
		if b[n-1] != 0xff {
			break
		}
	}
	return value, n
}
