package rtsp

// markers decides which RTP marker bits end an access unit.
//
// The marker stands on an access unit's last packet (RFC 6184 5.1, RFC 7798
// 4.1), and trusting it saves the wait for the next picture. But some servers
// never set it, some set it on every packet, and some set it after every slice
// (live555's discrete framers do, when the encoder cuts pictures into slices). A
// changed timestamp is certain. So a marker is trusted only when the stream has
// shown that its markers are right:
//
//   - an access unit of several slices had its marker after the last one, and a
//     slice that came as the one at hand, in fragments or not, had no marker where
//     another slice followed; or
//   - singlesWanted access units of one slice had theirs, and the slice at hand
//     came in fragments: an encoder that cuts keyframes into more slices than
//     other pictures cuts them to the size of a packet.
//
// Until then, and forever once a slice followed a marker with the same timestamp,
// the access unit ends where the timestamp changes.
type markers struct {
	trust   trust
	singles int  // access units of one slice that ended in a marker
	used    bool // a marker after a slice was seen and none was wrong
	// bare reports whether a slice without a marker was followed by another of its
	// access unit: for slices in a packet and for those in fragments.
	bare   [2]bool
	packet int // counts packets

	// About the access unit being gathered:
	headless bool // packets before those seen may be missing
	slices   int
	marked   bool // its last packet so far has the marker
	pieces   bool // a NAL unit of it came in fragments
	taken    bool // it was ended by its marker
	kind     int  // of the last slice: an index of bare
	at       int  // packet of the last slice
}

type trust uint8

const (
	trustUnknown trust = iota
	trustGood
	trustBad
)

// singlesWanted is how many pictures of one slice are needed before the marker of
// another one is trusted: two, as one can be a chance.
const singlesWanted = 2

func (m *markers) beginAccessUnit(headless bool) {
	m.headless = headless
	m.slices = 0
	m.marked, m.pieces, m.taken = false, false, false
}

// endAccessUnit learns from an access unit that a changed timestamp has ended.
func (m *markers) endAccessUnit() {
	switch {
	case !m.marked || m.trust == trustBad:
	case m.slices > 1:
		m.trust = trustGood
	case !m.headless:
		m.singles++
	}
}

// addSlice counts a slice, which came in fragments or not. It reports whether the
// access unit was returned already.
func (m *markers) addSlice(fragments bool) (late bool) {
	switch {
	case m.marked:
		m.trust = trustBad
		m.marked, m.used = false, false
	case m.slices > 0 && m.at != m.packet:
		m.bare[m.kind] = true
	}

	m.slices++
	m.at, m.kind = m.packet, 0
	if fragments {
		m.kind = 1
	}
	return m.taken
}

func (m *markers) noteFragment() { m.pieces = true }

// acceptMarker takes a marker, and reports whether it ends the access unit. inUnit
// says that the packet ends in the middle of a NAL unit.
func (m *markers) acceptMarker(inUnit bool) bool {
	switch {
	case m.trust == trustBad:
		return false
	case inUnit:
		m.trust, m.used = trustBad, false
		return false
	case m.slices == 0 || m.marked:
		return false // after parameter sets, or once more
	}

	m.marked, m.used = true, true
	m.taken = (m.trust == trustGood && m.bare[m.kind]) ||
		(m.singles >= singlesWanted && m.slices == 1 && m.pieces)
	return m.taken
}

// isPending reports whether the access unit has a marker that was not trusted and is
// not known to be wrong.
func (m *markers) isPending() bool { return m.marked && !m.taken }
