package keyframe

// recoveryPoint is a payloadType (ISO/IEC 14496-10 D.1.8). It is ignored in H.265,
// where it belongs to pictures that are no random access pictures here.
const recoveryPoint = 6

// readSEI reads recovery points and display orientations from an SEI NAL unit
// (ISO/IEC 14496-10 7.3.2.3, ISO/IEC 23008-2 7.3.2.4).
func (a *Assembler) readSEI(nalu []byte) {
	header := 1
	if a.codec == H265 {
		header = 2
	}

	a.scratch = AppendRBSP(a.scratch[:0], nalu[header:])
	rest := a.scratch
	for len(rest) > 2 {
		kind, n := readSEINumber(rest)
		size, m := readSEINumber(rest[n:])
		rest = rest[n+m:]
		if size > len(rest) {
			return
		}

		r := bitReader{data: rest[:size]}
		switch {
		case kind == recoveryPoint && a.codec == H264:
			if count := r.readUE(); !r.bad {
				a.recovery = int(count)
			}
		case kind == displayOrientation:
			a.ownOrientation = new(readDisplayOrientation(&r))
		}
		rest = rest[size:]
	}
}

// readSEINumber reads payloadType or payloadSize: the sum of bytes of 255 and a last
// one. n is how many bytes it read.
func readSEINumber(b []byte) (value, n int) {
	for n < len(b) {
		value += int(b[n])
		n++
		if b[n-1] != 0xff {
			break
		}
	}
	return value, n
}

// orientation is how to turn a picture for display: the fields of Info.
type orientation struct {
	rotation int
	mirrored bool
}

// displayOrientation is a payloadType (ISO/IEC 14496-10 D.1.27, ISO/IEC 23008-2 D.2.17).
const displayOrientation = 47

// readDisplayOrientation reads the message. One that cancels another, or turns by
// something else than quarters, leaves the picture as it is.
func readDisplayOrientation(r *bitReader) (o orientation) {
	if r.readFlag() { // display_orientation_cancel_flag
		return o
	}
	left, down := r.readFlag(), r.readFlag() // hor_flip, ver_flip
	anticlockwise := int(r.readBits(16))     // in 1/65536 turns, after flipping
	if r.bad {
		return o
	}

	const quarter, degree = 1 << 14, 1 << 16 / 360
	quarters := (anticlockwise + quarter/2) / quarter
	if off := anticlockwise - quarters*quarter; off > degree || off < -degree {
		return o
	}

	o.mirrored = left != down
	if down { // which is left to right, and half a turn
		quarters += 2
	}
	o.rotation = (8 - quarters) % 4 * 90
	return o
}

// orientPicture sets the orientation of the picture that begins: that of its access
// unit, else the last one since the sequence began, because encoders need not repeat
// the message.
func (a *Assembler) orientPicture(i *Info, newSequence bool) {
	switch {
	case a.ownOrientation != nil:
		a.orientation = *a.ownOrientation
	case newSequence:
		a.orientation = orientation{}
	}
	i.Rotation, i.Mirrored = a.orientation.rotation, a.orientation.mirrored
}
