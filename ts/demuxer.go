package ts

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Bounds of what a stream can make the demuxer keep and do.
const (
	maxPrograms    = 256 // a multiplex of 60 Mbit/s has some 20
	maxProvisional = 4   // video PIDs followed before a program map names one
	// hopelessAfter is how far a stream is read whose program maps are all known and
	// name no video, in case they change: half a second of 8 Mbit/s.
	hopelessAfter = 512 << 10
)

// demuxer follows the program tables and the one video stream that they lead to. It
// does no I/O. The caller must not change packets until it calls keepPackets.
type demuxer struct {
	wanted       int // program number, 0 for the first with video
	onCodec      func(keyframe.Codec)
	decrypt      func(*keyframe.Frame) // of SAMPLE-AES, or nil
	everyPicture bool                  // Options.EveryPicture

	sections map[int]*section // by PID: the association table and the maps
	maps     map[int]int      // PIDs of the program maps by program number
	pat      []byte           // the packets of the association table
	programs []program
	chosen   int // program number, 0 before the choice

	video       *video
	provisional []*video // followed while no program map names a video stream
	start       time.Duration

	bytes     int64 // in packets, all told
	scrambled bool  // a packet of the video stream was
	encrypted bool  // SAMPLE-AES
}

func newDemuxer(o Options) *demuxer {
	return &demuxer{
		wanted: o.Program, onCodec: o.OnCodec, decrypt: o.SampleAES, everyPicture: o.EveryPicture,
		sections: map[int]*section{0: {}}, maps: map[int]int{}, start: keyframe.NoPTS,
	}
}

// takePacket routes one packet. It returns the video stream that may have a frame
// now, else nil.
func (d *demuxer) takePacket(raw []byte) *video {
	p := parsePacket(raw)
	d.bytes += packetSize

	if v := d.video; v != nil && v.pid == p.pid {
		return d.followVideo(v, p, raw)
	}

	if p.payload == nil || p.pid == pidNull {
		return nil
	}
	if s := d.sections[p.pid]; s != nil {
		if !p.damaged && !p.scrambled {
			if packets := s.addPacket(raw, p); packets != nil {
				d.takeTable(p.pid, packets)
			}
		}
		return nil
	}
	if d.chosen == 0 && d.wanted == 0 {
		return d.followProvisionally(p, raw)
	}
	return nil
}

func (d *demuxer) followVideo(v *video, p packet, raw []byte) *video {
	if p.scrambled && !p.damaged {
		d.scrambled = true
	}
	if !v.takePacket(p, raw) {
		return nil
	}
	if d.start == keyframe.NoPTS {
		d.start = v.pts
	}
	return v
}

// followProvisionally follows a PID that looks like video before its program map
// comes, as at the beginning of a segment that was cut without regard for the tables.
func (d *demuxer) followProvisionally(p packet, raw []byte) *video {
	i := slices.IndexFunc(d.provisional, func(v *video) bool { return v.pid == p.pid })
	if i < 0 {
		header, ok := parsePES(p.payload)
		if !p.start || !ok || !isVideo(header.streamID) || p.scrambled || len(d.provisional) == maxProvisional || d.isMapped(p.pid) {
			return nil
		}
		i = len(d.provisional)
		d.provisional = append(d.provisional, d.newVideo(p.pid, keyframe.H264, keyframe.H265))
	}
	return d.followVideo(d.provisional[i], p, raw)
}

// isMapped reports whether a program map says what the PID carries.
func (d *demuxer) isMapped(pid int) bool {
	return slices.ContainsFunc(d.programs, func(p program) bool {
		return slices.ContainsFunc(p.streams, func(s stream) bool { return s.ID == pid })
	})
}

// takeTable takes the packets of a new program association table or map.
func (d *demuxer) takeTable(pid int, packets []byte) {
	if pid == 0 {
		d.takePAT(packets)
		return
	}

	programs, err := parsePMT(d.pat, packets)
	if err != nil {
		return
	}

	for _, p := range programs {
		i := slices.IndexFunc(d.programs, func(old program) bool { return old.number == p.number })
		if i < 0 {
			d.programs = append(d.programs, p)
		} else {
			d.programs[i] = p
		}
		d.chooseProgram(p)
	}
}

func (d *demuxer) takePAT(packets []byte) {
	pids, err := parsePAT(packets)
	if err != nil || len(pids) == 0 || len(pids) > maxPrograms {
		return
	}

	d.pat, d.maps = slices.Clone(packets), pids
	for pid := range d.sections {
		if pid != 0 && !slices.Contains(slices.Collect(maps.Values(pids)), pid) {
			delete(d.sections, pid)
		}
	}
	for _, pid := range pids {
		if d.sections[pid] == nil && pid != 0 {
			d.sections[pid] = &section{}
		}
	}

	d.programs = slices.DeleteFunc(d.programs, func(p program) bool { _, ok := pids[p.number]; return !ok })
	if _, ok := pids[d.chosen]; d.chosen != 0 && !ok {
		d.chosen = 0
	}
}

// chooseProgram follows the first program that has video, and its changes.
func (d *demuxer) chooseProgram(p program) {
	if (d.wanted != 0 && p.number != d.wanted) || (d.chosen != 0 && p.number != d.chosen) {
		return
	}

	s, ok := p.firstVideo()
	if !ok {
		return
	}
	if s.encrypted && d.decrypt == nil {
		d.encrypted = true
		return
	}

	d.chosen = p.number
	if d.video == nil || d.video.pid != s.ID || !d.video.Settled(s.codec) {
		d.video = d.adoptVideo(s)
		if d.onCodec != nil {
			d.onCodec(s.codec)
		}
	}
	d.video.encrypted = s.encrypted
	d.provisional = nil
}

// decryptFrame returns f, a frame of v, and decrypts it if necessary.
func (d *demuxer) decryptFrame(v *video, f *keyframe.Frame) *keyframe.Frame {
	if v.encrypted {
		d.decrypt(f)
	}
	return f
}

// adoptVideo returns the video of a stream, with what its PID has gathered before the
// program map came.
func (d *demuxer) adoptVideo(s stream) *video {
	for _, v := range d.provisional {
		if v.pid == s.ID {
			v.Settle(s.codec)
			return v
		}
	}
	return d.newVideo(s.ID, s.codec)
}

func (d *demuxer) newVideo(pid int, codecs ...keyframe.Codec) *video {
	v := newVideo(pid, codecs...)
	if d.everyPicture {
		v.EveryPicture()
	}
	return v
}

// startSource prepares for packets whose counters do not continue those before.
func (d *demuxer) startSource() {
	d.bytes, d.start = 0, keyframe.NoPTS
	for _, v := range d.followedVideos() {
		v.counted, v.inPES = false, false
	}
}

// followedVideos returns the streams that may hold a keyframe.
func (d *demuxer) followedVideos() []*video {
	if d.video != nil {
		return []*video{d.video}
	}
	return d.provisional
}

// keepPackets copies the packets that the demuxer still needs from the caller's buffer.
func (d *demuxer) keepPackets() {
	if d.video != nil {
		d.video.keepLastPacket()
	}
	for _, v := range d.provisional {
		v.keepLastPacket()
	}
}

// isHopeless reports whether the tables are complete and lead to no video.
func (d *demuxer) isHopeless() bool {
	return d.bytes > hopelessAfter && d.video == nil && len(d.maps) > 0 && d.hasAllMaps()
}

// hasAllMaps reports whether every program map that the association table names, or
// the wanted one, has come.
func (d *demuxer) hasAllMaps() bool {
	if d.wanted != 0 {
		_, ok := d.maps[d.wanted]
		return !ok || slices.ContainsFunc(d.programs, func(p program) bool { return p.number == d.wanted })
	}
	return len(d.programs) >= len(d.maps)
}

// findFailure returns why no keyframe came. The error wraps one of keyframe's.
func (d *demuxer) findFailure() error {
	if _, ok := d.maps[d.wanted]; d.wanted != 0 && len(d.maps) > 0 && !ok {
		return fmt.Errorf("%w: no program %d; the programs are %v", keyframe.ErrNotFound, d.wanted, slices.Sorted(maps.Keys(d.maps)))
	}
	switch {
	case d.scrambled && (d.video == nil || !d.video.clear):
		return fmt.Errorf("%w: the video is scrambled (conditional access)", keyframe.ErrUnsupported)
	case d.encrypted && d.video == nil:
		return fmt.Errorf("%w: the video is encrypted (SAMPLE-AES)", keyframe.ErrUnsupported)
	case d.video != nil:
		return d.video.NotFound()
	}
	return d.noVideoError()
}

// noVideoError names what there is instead of H.264 or H.265.
func (d *demuxer) noVideoError() error {
	var video, others []string
	for _, p := range d.programs {
		for _, s := range p.streams {
			if s.Type == "video" {
				video = append(video, s.Codec)
			} else {
				others = append(others, s.Type+" "+s.Codec)
			}
		}
	}

	switch {
	case len(video) > 0:
		return fmt.Errorf("%w: video codec %s; kfgrab reads H.264 and H.265", keyframe.ErrUnsupported, strings.Join(video, ", "))
	case len(others) > 0:
		return fmt.Errorf("%w: no video stream, only %s", keyframe.ErrNotFound, strings.Join(others, ", "))
	}
	if len(d.provisional) > 0 {
		return d.provisional[0].NotFound()
	}
	return fmt.Errorf("%w: no video stream", keyframe.ErrNotFound)
}

// copyForSeek returns a demuxer of the same stream at another place. It knows the
// tables, and has gathered nothing.
func (d *demuxer) copyForSeek() *demuxer {
	e := newDemuxer(Options{Program: d.wanted, OnCodec: d.onCodec, SampleAES: d.decrypt})
	e.pat, e.maps, e.programs, e.chosen = d.pat, d.maps, slices.Clone(d.programs), d.chosen
	for pid := range d.sections {
		e.sections[pid] = &section{}
	}
	for _, p := range d.programs {
		if s, ok := p.firstVideo(); ok && p.number == d.chosen && d.video != nil {
			e.video = newVideo(s.ID, s.codec)
			e.video.encrypted = d.video.encrypted
		}
	}
	return e
}
