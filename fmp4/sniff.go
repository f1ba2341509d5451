package fmp4

// Sniff says whether head, the beginning of some data, is that of an MP4 file or
// a segment: a box that may stand first in one (ISO/IEC 14496-12 6.2.3). Eight
// bytes are enough.
func Sniff(head []byte) bool {
	if len(head) < 8 {
		return false
	}
	switch string(head[4:8]) {
	case "ftyp", "styp", "moov", "moof", "mdat", "free", "skip", "wide", "sidx", "emsg", "prft", "pdin", "uuid":
		return true
	}
	return false
}
