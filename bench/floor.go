package bench

// Body is one answer that every client must fetch.
type Body struct {
	What  string `json:"what"`
	Bytes int64  `json:"bytes"` // of the body
}

// Sizes that the floor's formula adds to the bodies. The heads of nginx's answers have
// 240 to 330 bytes; the segments carry TCP timestamps.
const (
	headBytes       = 280               // an answer's status line and header fields
	segmentPayload  = 1448              // 1500 less IPv4's and TCP's headers
	segmentOverhead = 14 + 20 + 32      // Ethernet, IPv4, TCP
	connectionBytes = 74 + 2*(14+20+32) // SYN-ACK, the last ACK and FIN
)

// Floor is the least that a client must download for a picture.
type Floor struct {
	Bodies  []Body `json:"bodies"`
	Payload int64  `json:"payload"` // the bodies alone
	Wire    int64  `json:"wire"`    // with headers
}

// newFloor adds up the bodies. If headers count, an answer of n bytes, with its head,
// takes n + 66·⌈n/1448⌉, and a new connection 206 more. TLS is not counted.
func newFloor(bodies []Body, headers, connect bool) Floor {
	f := Floor{Bodies: bodies}
	for _, b := range bodies {
		n := b.Bytes + headBytes
		f.Payload += b.Bytes
		f.Wire += n
		if headers {
			f.Wire += segmentOverhead * ((n + segmentPayload - 1) / segmentPayload)
		}
	}

	if headers && connect {
		f.Wire += connectionBytes
	}
	return f
}
