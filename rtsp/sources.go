package rtsp

import (
	"slices"
	"time"

	"github.com/pion/rtp"

	"github.com/kfgrab/kfgrab/keyframe"
)

// maxSources bounds the sources whose packets are told apart: the stream, what is left
// of another session, and what a camera mixes in by mistake.
const maxSources = 4

// sourceList tells the packets of several sources apart by their SSRC (RFC 3550 8):
// some cameras send those of another session or another encoder on the same channel
// (TestForeignSources). Frames are those of the main source: the one that SETUP has
// announced, or the first that delivers a keyframe.
type sourceList struct {
	main      *depacketizer
	all       []*packetSource
	announced *uint32 // by the answer to SETUP, or nil

	video   *videoTrack
	every   bool
	emit    func(*keyframe.Frame)
	packets int
}

// packetSource is one source.
type packetSource struct {
	*depacketizer
	ssrc    uint32
	packets int  // of this source
	last    int  // number of its last packet among all
	begun   int  // number of the packet with which its last keyframe ended
	chosen  bool // it is the main source because of a frame
}

func (l *sourceList) init(v *videoTrack, emit func(*keyframe.Frame)) {
	l.video, l.emit = v, emit
	l.main = newDepacketizer(v, emit)
}

// receiveEvery makes l emit every picture. It is called before the first packet.
func (l *sourceList) receiveEvery(emit func(*keyframe.Frame)) {
	l.every, l.emit = true, emit
	l.main.everyPicture(int64(timeBase/time.Second) * int64(l.main.clock))
}

// pushPacket takes a packet, and returns the depacketizer of its source.
func (l *sourceList) pushPacket(p *rtp.Packet) *depacketizer {
	l.packets++
	s := l.findSource(p.SSRC)
	s.packets++
	s.last = l.packets
	if main := l.mainSource(); !main.chosen && s.packets > main.packets {
		l.main = s.depacketizer
	}
	s.pushPacket(p)
	return s.depacketizer
}

// findSource returns the source ssrc, in place of one that fell silent if there are
// too many.
func (l *sourceList) findSource(ssrc uint32) *packetSource {
	for _, s := range l.all {
		if s.ssrc == ssrc {
			return s
		}
	}

	s := &packetSource{ssrc: ssrc, depacketizer: l.main, begun: l.packets}
	if len(l.all) > 0 {
		s.depacketizer = l.newDepacketizer()
	}
	s.emit = func(f *keyframe.Frame) { l.takeFrame(s, f) }
	if len(l.all) == maxSources {
		quietest := slices.IndexFunc(l.all, func(s *packetSource) bool { return s.depacketizer != l.main })
		for i, other := range l.all {
			if other.depacketizer != l.main && other.last < l.all[quietest].last {
				quietest = i
			}
		}
		l.all = slices.Delete(l.all, quietest, quietest+1)
	}
	l.all = append(l.all, s)
	return s
}

// newDepacketizer returns one for a further source. If that takes over, its times go on
// where the main source is.
func (l *sourceList) newDepacketizer() *depacketizer {
	d := newDepacketizer(l.video, nil)
	if l.every {
		d.everyPicture(l.main.ticks)
		d.loseAccessUnit()
	}
	return d
}

// takeFrame passes on a frame of s if that is the main source, or takes its place.
func (l *sourceList) takeFrame(s *packetSource, f *keyframe.Frame) {
	isKeyframe := f.Kind != keyframe.UnknownKind
	if l.main != s.depacketizer || !s.chosen {
		if !isKeyframe || !l.canBecomeMain(s) {
			if isKeyframe {
				s.begun = l.packets
			}
			return
		}
		l.mainSource().chosen = false
		l.main, s.chosen = s.depacketizer, true
	}
	l.emit(f)
}

// canBecomeMain reports whether s, which has delivered a keyframe, may take the place of
// the main source: the server announced s and not that, or it has delivered none, or nothing since the
// keyframe of s before this one.
func (l *sourceList) canBecomeMain(s *packetSource) bool {
	isAnnounced := func(s *packetSource) bool { return l.announced != nil && s.ssrc == *l.announced }
	main := l.mainSource()
	switch {
	case isAnnounced(s):
		return true
	case slices.ContainsFunc(l.all, isAnnounced):
		return false
	}
	return main == s || !main.chosen || main.last <= s.begun
}

// mainSource returns the main one. There is one after the first packet.
func (l *sourceList) mainSource() *packetSource {
	for _, s := range l.all {
		if s.depacketizer == l.main {
			return s
		}
	}
	return l.all[0]
}

// isMain reports whether one of ssrcs is that of the main source, or none is given.
func (l *sourceList) isMain(ssrcs []uint32) bool {
	return len(ssrcs) == 0 || (len(l.all) > 0 && slices.Contains(ssrcs, l.mainSource().ssrc))
}
