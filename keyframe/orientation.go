package keyframe

// orientation is how a picture is to be turned for display: the fields of Info.
type orientation struct {
	rotation int
	mirrored bool
}

// displayOrientation is a payloadType (ISO/IEC 14496-10 D.1.27, ISO/IEC 23008-2 D.2.17).
const displayOrientation = 47

// readDisplayOrientation reads the message. Where it takes back another, or turns by no
// quarter, the picture stays as it is.
func readDisplayOrientation(r *bitReader) (o orientation) {
	if r.flag() { // display_orientation_cancel_flag
		return o
	}
	left, down := r.flag(), r.flag() // hor_flip, ver_flip
	anticlockwise := int(r.bits(16)) // in 1/65536 turns, after flipping
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

// orient tells what the picture that begins is to be turned by: what its access unit
// says, else what was said since the sequence began, as repetition of the message is
// the encoder's choice.
func (a *Assembler) orient(i *Info, newSequence bool) {
	switch {
	case a.told != nil:
		a.orientation = *a.told
	case newSequence:
		a.orientation = orientation{}
	}
	i.Rotation, i.Mirrored = a.orientation.rotation, a.orientation.mirrored
}
