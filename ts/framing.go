package ts

import "bytes"

// Packet sizes: plain (ISO/IEC 13818-1 2.4.3.2), with a time code in front
// (Blu-ray, AVCHD) and with Reed-Solomon parity behind (DVB, ETSI EN 300 429).
const (
	packetSize       = 188
	timecodedSize    = 192
	errorCodedSize   = 204
	syncByte         = 0x47
	syncedPackets    = 5 // sync bytes in step that make a find; by chance 1 in 10¹² places has them
	framingLookahead = errorCodedSize * (syncedPackets + 1)
)

// framing is where packets lie: the first sync byte and the distance from one to
// the next.
type framing struct {
	offset, stride int
}

// findFraming looks for sync bytes in step. It wants syncedPackets of them, or as
// many as fit where b is all there is.
func findFraming(b []byte, all bool) (framing, bool) {
	for offset := 0; offset < len(b) && offset < errorCodedSize+packetSize; offset++ {
		next := bytes.IndexByte(b[offset:], syncByte)
		if next < 0 {
			break
		}
		offset += next
		for _, stride := range [...]int{packetSize, timecodedSize, errorCodedSize} {
			if inStep(b[offset:], stride, all, offset == 0) {
				return framing{offset, stride}, true
			}
		}
	}
	return framing{}, false
}

// inStep says whether sync bytes stand in step from the beginning of b, and are
// enough. A single packet must be alone.
func inStep(b []byte, stride int, all, alone bool) bool {
	found := 0
	for at := 0; at < len(b) && found < syncedPackets; at += stride {
		if b[at] != syncByte {
			return false
		}
		found++
	}
	switch found {
	case syncedPackets:
		return true
	case 1:
		return all && len(b) == stride && alone
	}
	return all && found > 1
}

// Sniff says whether b, the beginning of some data, is a transport stream's. all
// says that b is the whole of it. Some 1,300 bytes make the answer sure.
func Sniff(b []byte, all bool) bool {
	_, ok := findFraming(b, all)
	return ok
}
