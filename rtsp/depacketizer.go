package rtsp

import (
	"bytes"
	"time"

	"github.com/pion/rtp"

	"github.com/kfgrab/kfgrab/keyframe"
)

// maxNALU bounds a NAL unit that comes in fragments. The largest picture that
// level 6.2 allows at its highest rate has 3.4 MB (ISO/IEC 23008-2 A.4.2); four
// times that leaves room for encoders that do not keep to their level.
const maxNALU = 16 << 20

// depacketizer turns RTP packets into NAL units, and those, through an
// Assembler, into frames. It does no I/O and knows no time but that of RTP.
//
// Packets are expected in the order of sending. Whatever is missing or out of
// order costs the access units that it touches, never more than those, and
// nothing is given out with a hole in it.
type depacketizer struct {
	codec keyframe.Codec
	clock int  // RTP timestamp units a second
	donl  bool // H.265 with decoding order numbers, sprop-max-don-diff > 0
	asm   *keyframe.Assembler
	emit  func(*keyframe.Frame)

	started bool
	seq     uint16
	ssrc    uint32
	stamp   uint32 // RTP timestamp of the access unit being gathered
	first   uint32 // RTP timestamp of the first packet
	ticks   int64  // from first to stamp, without the wrap at 32 bits

	lost   int    // packets missing, by their numbers
	sps    []byte // the first sequence parameter set in the stream
	sets   sets
	spoilt spoilt

	damaged   bool   // a packet of the access unit is missing
	fragments []byte // of the NAL unit being gathered
	inUnit    bool   // its first fragment was seen, its last not yet
	pieced    bool   // the NAL unit at hand came in fragments
	markers   markers
}

// newDepacketizer returns one for the video track v. What becomes whole goes to
// emit.
func newDepacketizer(v *videoTrack, emit func(*keyframe.Frame)) *depacketizer {
	d := &depacketizer{
		codec: v.codec, clock: v.clock, donl: v.donl,
		asm: keyframe.NewAssembler(v.codec), emit: emit,
	}
	d.asm.AddParameterSets(v.parameterSets...)
	d.sets.add(v.parameterSets...)
	return d
}

// push takes one packet. Its payload may be reused afterwards.
func (d *depacketizer) push(p *rtp.Packet) {
	if d.started && p.SequenceNumber == d.seq && p.SSRC == d.ssrc {
		return // sent twice
	}
	d.place(p)
	d.markers.packet++
	if len(p.Payload) == 0 || d.damaged {
		return // nothing but padding, or nothing that could become whole
	}
	if d.codec == keyframe.H265 {
		d.payload265(p.Payload)
	} else {
		d.payload264(p.Payload)
	}
	if p.Marker && d.markers.mark(d.inUnit) {
		d.endAccessUnit()
	}
}

// place follows sequence number and timestamp.
func (d *depacketizer) place(p *rtp.Packet) {
	switch {
	case !d.started:
		d.started, d.first = true, p.Timestamp
		d.spoilt.here = true // a keyframe that was on its way already
		d.markers.beginAccessUnit(true)
	case p.SSRC != d.ssrc || p.SequenceNumber != d.seq+1:
		// What is missing may reach into the access unit that p belongs to, so
		// a changed timestamp does not tell that p begins one: the slices do.
		d.lose()
		d.markers.beginAccessUnit(true)
		d.damaged = p.SSRC == d.ssrc && p.Timestamp == d.stamp
		if p.SSRC == d.ssrc {
			d.lost += max(0, int(int16(p.SequenceNumber-d.seq-1)))
			d.ticks += int64(int32(p.Timestamp - d.stamp))
		}
		d.spoilt.here = d.spoilt.here && p.Timestamp == d.stamp
	case p.Timestamp != d.stamp:
		if d.inUnit {
			d.lose()
		}
		d.markers.endAccessUnit()
		d.endAccessUnit()
		d.markers.beginAccessUnit(false)
		d.damaged, d.spoilt.here = false, false
		d.ticks += int64(int32(p.Timestamp - d.stamp))
	}
	d.seq, d.ssrc, d.stamp = p.SequenceNumber, p.SSRC, p.Timestamp
}

// lose gives up the access unit being gathered.
func (d *depacketizer) lose() {
	before := d.asm.Lost()
	d.asm.Lose()
	if d.asm.Lost() > before || d.inUnit && d.codec.IsRandomAccess(d.fragments) {
		d.spoilt.add(d.ticks)
	}
	d.fragments, d.inUnit = d.fragments[:0], false
}

func (d *depacketizer) endAccessUnit() {
	d.give(d.asm.EndAccessUnit())
}

func (d *depacketizer) give(f *keyframe.Frame) {
	if f != nil {
		d.emit(f)
	}
}

var startCode = []byte{0, 0, 1}

// units takes what a packet, or a row of fragments, held for one NAL unit.
//
// Annex B in RTP: some cameras put several NAL units with start codes between
// them where one belongs. No NAL unit holds the bytes of a start code itself.
func (d *depacketizer) units(b []byte) {
	at := bytes.Index(b, startCode)
	if at < 0 {
		d.unit(b)
		return
	}
	d.unit(bytes.TrimRight(b[:at], "\x00"))
	for u := range keyframe.AnnexB(b[at:]) {
		d.unit(u)
	}
}

// unit takes one whole NAL unit.
//
// Parameter sets between slices: GStreamer's payloaders, told to send them with
// every IDR picture, send them before every slice of it. By the standard they would
// begin another access unit there, but a repeated one says nothing new.
func (d *depacketizer) unit(b []byte) {
	if len(b) == 0 {
		return
	}
	if d.codec.IsSlice(b) {
		if d.markers.headless && d.markers.slices == 0 && !d.beginsPicture(b) {
			// Its head is missing, whatever stands before it.
			d.lose()
			d.damaged = true
			return
		}
		if d.markers.slice(d.pieced) {
			// The access unit was taken as whole at a marker and was not.
			d.lose()
			return
		}
	}
	if d.codec.IsParameterSet(b) {
		if d.markers.slices > 0 {
			if d.sets.has(b) {
				return
			}
			// The slices before it made no picture without it.
			d.markers.beginAccessUnit(true)
		}
		d.parameterSet(b)
	}
	d.give(d.asm.Push(b, d.pts()))
}

// beginsPicture says whether a slice is the first of its picture: first_mb_in_slice
// is 0 (ISO/IEC 14496-10 7.3.3) or first_slice_segment_in_pic_flag is set (ISO/IEC
// 23008-2 7.3.6.1). With arbitrary slice order another may come first; that costs a
// picture where packets were lost.
func (d *depacketizer) beginsPicture(b []byte) bool {
	header := 1
	if d.codec == keyframe.H265 {
		header = 2
	}
	return len(b) > header && b[header]&0x80 != 0
}

// fragment takes a part of a NAL unit, which header begins: the FU-A of
// RFC 6184 5.8 and the FU of RFC 7798 4.4.3.
//
// Start and end in one: some cameras send small NAL units so, although both
// RFCs forbid it.
func (d *depacketizer) fragment(start, end bool, header, b []byte) {
	switch {
	case start:
		if d.inUnit {
			d.lose()
		}
		d.fragments = append(append(d.fragments[:0], header...), b...)
		d.inUnit = true
		d.markers.fragmented()
	case !d.inUnit || len(d.fragments)+len(b) > maxNALU:
		if d.codec.IsRandomAccess(header) {
			d.spoilt.add(d.ticks)
		}
		d.lose()
		return
	default:
		d.fragments = append(d.fragments, b...)
	}
	if end {
		d.inUnit, d.pieced = false, true
		d.units(d.fragments)
		d.pieced = false
	}
}

// whole prepares for NAL units that come unfragmented.
func (d *depacketizer) whole() {
	if d.inUnit {
		d.lose()
	}
}

// pts is the time of the access unit since the first packet.
func (d *depacketizer) pts() time.Duration {
	if d.ticks < 0 {
		return keyframe.NoPTS // a B picture that came first, or the clock was set back
	}
	return d.duration(d.ticks)
}

// duration converts units of the RTP clock.
func (d *depacketizer) duration(ticks int64) time.Duration {
	clock := int64(d.clock)
	return time.Duration(ticks/clock)*time.Second + time.Duration(ticks%clock)*time.Second/time.Duration(clock)
}

// marked says whether a marker has ended the access unit, with too little known
// of this stream's markers to believe it. See takeMarked.
func (d *depacketizer) marked() bool { return d.markers.pending() && !d.inUnit }

// takeMarked believes the marker, as nothing has come after it for a while.
func (d *depacketizer) takeMarked() {
	if d.marked() {
		d.markers.taken = true
		d.endAccessUnit()
	}
}

// end tells that no packet follows. clean says that the server ended the stream
// of its own will, behind a whole access unit.
func (d *depacketizer) end(clean bool) {
	d.takeMarked()
	if !clean || d.inUnit || d.markers.used {
		d.lose() // whatever is there has no marker behind it
	}
	d.give(d.asm.Flush())
}
