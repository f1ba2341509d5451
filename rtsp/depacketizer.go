package rtsp

import (
	"bytes"
	"time"

	"github.com/pion/rtp"

	"github.com/kfgrab/kfgrab/keyframe"
)

// maxNALU bounds a NAL unit that comes in fragments. The largest picture that
// level 6.2 allows at its highest rate has 3.4 MB (ISO/IEC 23008-2 A.4.2); four
// times that leaves room for encoders that exceed their level.
const maxNALU = 16 << 20

// depacketizer turns RTP packets into NAL units, and those, through an
// Assembler, into frames. It does no I/O and knows no time except RTP's.
//
// Packets are expected in the order of sending. A missing or misplaced packet
// costs the access units that it touches and no more. No frame has a hole in it.
type depacketizer struct {
	codec keyframe.Codec
	clock int  // RTP timestamp units a second
	donl  bool // H.265 with decoding order numbers, sprop-max-don-diff > 0
	asm   *keyframe.Assembler
	emit  func(*keyframe.Frame)

	transport *transportReader // of an MPEG transport stream, which needs no asm; or nil

	started bool
	seq     uint16
	ssrc    uint32
	stamp   uint32 // RTP timestamp of the access unit being gathered
	first   uint32 // RTP timestamp of the first packet
	ticks   int64  // from first to stamp, without the wrap at 32 bits

	lost     int    // packets missing, by their numbers
	firstSPS []byte // in the stream
	sets     parameterSetList
	damage   damageCount

	incomplete bool   // a packet of the access unit is missing
	marked     bool   // the last packet had a marker
	endBits    bool   // a fragment had an end bit
	fragments  []byte // of the NAL unit being gathered
	inUnit     bool   // its first fragment was seen, its last not yet
	pieced     bool   // the NAL unit at hand came in fragments
	markers    markers
}

// newDepacketizer returns one for the video track v, which passes frames to emit.
func newDepacketizer(v *videoTrack, emit func(*keyframe.Frame)) *depacketizer {
	d := &depacketizer{
		codec: v.codec, clock: v.clock, donl: v.donl,
		asm: keyframe.NewAssembler(v.codec), emit: emit,
	}
	if v.isTransportStream() {
		d.transport = newTransportReader(false)
	}
	d.asm.AddParameterSets(v.parameterSets...)
	d.sets.remember(v.parameterSets...)
	return d
}

// pushPacket takes one packet. Its payload may be reused afterwards.
func (d *depacketizer) pushPacket(p *rtp.Packet) {
	if behind := d.seq - p.SequenceNumber; d.started && p.SSRC == d.ssrc && behind < repeated {
		return // sent twice
	}
	if d.transport != nil {
		d.trackLoss(p)
		d.transport.takePayload(p.Payload, d.emit)
		return
	}

	d.trackSequence(p)
	d.marked = p.Marker
	d.markers.packet++
	if len(p.Payload) == 0 || d.incomplete {
		return // only padding, or nothing that could become whole
	}

	if d.codec == keyframe.H265 {
		d.takePayload265(p.Payload)
	} else {
		d.takePayload264(p.Payload)
	}
	if p.Marker && d.markers.acceptMarker(d.inUnit) {
		d.endAccessUnit()
	}
}

// repeated is how many packets back one is taken for a repetition.
const repeated = 64

// trackLoss follows the sequence number alone. A transport stream counts its own
// packets, and its RTP timestamps are those of sending (RFC 2250 2).
func (d *depacketizer) trackLoss(p *rtp.Packet) {
	if d.started && p.SSRC == d.ssrc {
		d.lost += max(0, int(int16(p.SequenceNumber-d.seq-1)))
		d.ticks += int64(int32(p.Timestamp - d.stamp))
	}
	d.started = true
	d.seq, d.ssrc, d.stamp = p.SequenceNumber, p.SSRC, p.Timestamp
}

// trackSequence follows sequence number and timestamp.
func (d *depacketizer) trackSequence(p *rtp.Packet) {
	switch {
	case !d.started:
		d.started, d.first = true, p.Timestamp
		d.damage.here = true // a keyframe that was on its way already
		d.markers.beginAccessUnit(true)
	case p.SSRC != d.ssrc || p.SequenceNumber != d.seq+1:
		// The missing packets may reach into the access unit of p. So a changed
		// timestamp does not show that p begins one; its slices do.
		d.loseAccessUnit()
		d.markers.beginAccessUnit(true)
		d.incomplete = p.SSRC == d.ssrc && p.Timestamp == d.stamp
		if p.SSRC == d.ssrc {
			d.lost += max(0, int(int16(p.SequenceNumber-d.seq-1)))
			d.ticks += int64(int32(p.Timestamp - d.stamp))
		}
		d.damage.here = d.damage.here && p.Timestamp == d.stamp
	case p.Timestamp != d.stamp && d.continuesPicture(p.Payload):
		d.ticks += int64(int32(p.Timestamp - d.stamp))
	case p.Timestamp != d.stamp:
		d.dropFragments()
		d.markers.endAccessUnit()
		d.endAccessUnit()
		d.markers.beginAccessUnit(false)
		d.incomplete, d.damage.here = false, false
		d.ticks += int64(int32(p.Timestamp - d.stamp))
	}

	d.seq, d.ssrc, d.stamp = p.SequenceNumber, p.SSRC, p.Timestamp
}

// loseAccessUnit drops the access unit being gathered.
func (d *depacketizer) loseAccessUnit() {
	before := d.asm.Lost()
	d.asm.Lose()
	if d.asm.Lost() > before || (d.inUnit && d.codec.IsRandomAccess(d.fragments)) {
		d.damage.countAt(d.ticks)
	}
	d.fragments, d.inUnit = d.fragments[:0], false
}

func (d *depacketizer) endAccessUnit() {
	d.emitFrame(d.asm.EndAccessUnit())
}

func (d *depacketizer) emitFrame(f *keyframe.Frame) {
	if f != nil {
		d.emit(f)
	}
}

var startCode = []byte{0, 0, 1}

// takeUnits takes the content of a packet, or of a row of fragments: one NAL unit.
// Some cameras put several of them there, with start codes in between (Annex B). A
// NAL unit itself never contains the bytes of a start code.
func (d *depacketizer) takeUnits(b []byte) {
	at := bytes.Index(b, startCode)
	if at < 0 {
		d.takeUnit(b)
		return
	}
	d.takeUnit(bytes.TrimRight(b[:at], "\x00"))
	for u := range keyframe.AnnexB(b[at:]) {
		d.takeUnit(u)
	}
}

// takeUnit takes one whole NAL unit.
//
// GStreamer's payloaders can be set to send parameter sets with every IDR picture,
// and then send them before every slice of it. By the standard they would begin
// another access unit there, but a repeated one changes nothing. One that alternates
// between two contents with the same id does.
func (d *depacketizer) takeUnit(b []byte) {
	if len(b) == 0 {
		return
	}

	if d.codec.IsSlice(b) {
		if d.markers.headless && d.markers.slices == 0 && !d.beginsPicture(b) {
			// Its head is missing, whatever stands before it.
			d.loseAccessUnit()
			d.incomplete = true
			return
		}
		if d.markers.addSlice(d.pieced) {
			// The access unit was taken as whole at a marker and was not.
			d.loseAccessUnit()
			return
		}
	}

	if d.codec.IsParameterSet(b) {
		if d.markers.slices > 0 && !d.sets.contains(b) {
			// The slices before it made no picture without it.
			d.markers.beginAccessUnit(true)
		}
		d.sets.remember(b)
		if d.firstSPS == nil && d.codec.IsSPS(b) && len(b) <= maxSet {
			d.firstSPS = bytes.Clone(b)
		}
	}
	d.emitFrame(d.asm.Push(b, d.accessUnitPTS()))
}

// beginsPicture reports whether a slice is the first of its picture: first_mb_in_slice
// is 0 (ISO/IEC 14496-10 7.3.3) or first_slice_segment_in_pic_flag is set (ISO/IEC
// 23008-2 7.3.6.1). With arbitrary slice order another may come first; that costs a
// picture after lost packets.
func (d *depacketizer) beginsPicture(b []byte) bool {
	header := 1
	if d.codec == keyframe.H265 {
		header = 2
	}
	return len(b) > header && b[header]&0x80 != 0
}

// takeFragment takes a part of a NAL unit that begins with header: an FU-A of
// RFC 6184 5.8 or an FU of RFC 7798 4.4.3. Some cameras set start and end in one
// for small NAL units, although both RFCs forbid it.
func (d *depacketizer) takeFragment(start, end bool, header, b []byte) {
	switch {
	case start:
		d.dropFragments()
		d.fragments = append(append(d.fragments[:0], header...), b...)
		d.inUnit = true
		d.markers.noteFragment()
	case !d.inUnit || len(d.fragments)+len(b) > maxNALU:
		if d.codec.IsRandomAccess(header) {
			d.damage.countAt(d.ticks)
		}
		d.loseAccessUnit()
		return
	default:
		d.fragments = append(d.fragments, b...)
	}

	if end {
		d.endBits = true
		d.takeFragments()
	}
}

// takeFragments takes the NAL unit that was gathered.
func (d *depacketizer) takeFragments() {
	d.inUnit, d.pieced = false, true
	d.takeUnits(d.fragments)
	d.pieced = false
}

// dropFragments gives up a NAL unit whose last fragment did not come, because another
// one follows. Some servers set no end bit at all: where no packet is missing, the unit
// is whole then.
func (d *depacketizer) dropFragments() {
	switch {
	case d.inUnit && d.endBits:
		d.loseAccessUnit()
	case d.inUnit:
		d.takeFragments()
	}
}

// continuesPicture reports whether a packet with another timestamp than the one before
// continues its picture all the same: a NAL unit that is not whole, or a picture
// without a marker, with a slice that is not the first. Some cameras take the time of
// each packet.
func (d *depacketizer) continuesPicture(payload []byte) bool {
	fragment, begins, slice := d.splitFragment(payload)
	switch {
	case d.inUnit:
		return fragment && !begins
	case d.marked || d.markers.slices == 0 || (fragment && !begins):
		return false
	}
	return d.codec.IsSlice(slice) && !d.beginsPicture(slice)
}

// splitFragment returns the beginning of the NAL unit in a payload, and whether that is
// a fragment, and the first one.
func (d *depacketizer) splitFragment(b []byte) (fragment, begins bool, nalu []byte) {
	switch {
	case d.codec == keyframe.H264 && len(b) > 2 && b[0]&0x1f == fuA:
		return true, b[1]&0x80 != 0, []byte{b[0]&0xe0 | b[1]&0x1f, b[2]}
	case d.codec == keyframe.H265 && len(b) > 3 && b[0]>>1&0x3f == fragmentation:
		header := 3
		if d.donl {
			header += donlSize
		}
		return true, b[2]&0x80 != 0, []byte{b[0]&0x81 | b[2]&0x3f<<1, b[1], b[min(header, len(b)-1)]}
	}
	return false, true, b
}

// accessUnitPTS returns the time of the access unit since the first packet.
func (d *depacketizer) accessUnitPTS() time.Duration {
	if d.ticks < 0 {
		return keyframe.NoPTS // a B picture that came first, or the clock was set back
	}
	return d.clockDuration(d.ticks)
}

// clockDuration converts units of the RTP clock.
func (d *depacketizer) clockDuration(ticks int64) time.Duration {
	clock := int64(d.clock)
	return time.Duration(ticks/clock)*time.Second + time.Duration(ticks%clock)*time.Second/time.Duration(clock)
}

// hasDoubtedMarker reports whether a marker has ended the access unit that the
// stream has given too little reason to trust. See trustMarker.
func (d *depacketizer) hasDoubtedMarker() bool { return d.markers.isPending() && !d.inUnit }

// trustMarker ends the access unit at its marker, as nothing has come after it for
// a while.
func (d *depacketizer) trustMarker() {
	if d.hasDoubtedMarker() {
		d.markers.taken = true
		d.endAccessUnit()
	}
}

// notFound names what the stream held instead of a keyframe.
func (d *depacketizer) notFound() error {
	if d.transport != nil {
		return d.transport.notFound()
	}
	return d.asm.NotFound()
}

// everyPicture makes d emit every picture, and count times from start.
func (d *depacketizer) everyPicture(start int64) {
	if d.transport != nil {
		d.transport = newTransportReader(true)
	}
	d.asm.EveryPicture()
	d.ticks = start
}

// hasFailed reports whether no frame can come any more.
func (d *depacketizer) hasFailed() bool { return d.transport != nil && d.transport.err != nil }

// hasSets reports whether the stream repeats its parameter sets.
func (d *depacketizer) hasSets() bool { return d.firstSPS != nil || d.transport != nil }

// endStream ends the stream. It is clean if the server ended it by its own decision,
// after a whole access unit.
func (d *depacketizer) endStream(clean bool) {
	if d.transport != nil {
		d.transport.endStream(d.emit)
		return
	}
	if d.marked && d.inUnit && !d.endBits {
		d.takeFragments()
	}
	d.trustMarker()
	if !clean || d.inUnit || d.markers.used {
		d.loseAccessUnit() // no marker follows what is there
	}
	d.emitFrame(d.asm.Flush())
}
