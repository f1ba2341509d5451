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
	// givingUp is how far a stream whose program maps are all known and name no
	// video is read on, in case they change: half a second of 8 Mbit/s.
	givingUp = 512 << 10
)

// demuxer follows the program tables and the one video stream chosen by them. It
// takes packets, and holds no I/O. Packets stay as they are until keep is called.
type demuxer struct {
	wanted  int // program number, 0 for the first with video
	onCodec func(keyframe.Codec)
	decrypt func(*keyframe.Frame) // of SAMPLE-AES, or nil
	every   bool                  // all pictures are wanted

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
		wanted: o.Program, onCodec: o.OnCodec, decrypt: o.SampleAES,
		sections: map[int]*section{0: {}}, maps: map[int]int{}, start: keyframe.NoPTS,
	}
}

// take routes one packet. The video stream that has something to be fed now is
// returned, else nil.
func (d *demuxer) take(raw []byte) *video {
	p := parsePacket(raw)
	d.bytes += packetSize
	if v := d.video; v != nil && v.pid == p.pid {
		return d.follow(v, p, raw)
	}
	if p.payload == nil || p.pid == pidNull {
		return nil
	}
	if s := d.sections[p.pid]; s != nil {
		if !p.damaged && !p.scrambled {
			if packets := s.add(raw, p); packets != nil {
				d.table(p.pid, packets)
			}
		}
		return nil
	}
	if d.chosen == 0 && d.wanted == 0 {
		return d.provisionally(p, raw)
	}
	return nil
}

func (d *demuxer) follow(v *video, p packet, raw []byte) *video {
	if p.scrambled && !p.damaged {
		d.scrambled = true
	}
	if !v.take(p, raw) {
		return nil
	}
	if d.start == keyframe.NoPTS {
		d.start = v.pts
	}
	return v
}

// provisionally follows a PID that looks like video before its program map came,
// as at the beginning of a segment that was cut without regard for the tables.
func (d *demuxer) provisionally(p packet, raw []byte) *video {
	i := slices.IndexFunc(d.provisional, func(v *video) bool { return v.pid == p.pid })
	if i < 0 {
		header, ok := parsePES(p.payload)
		if !p.start || !ok || !isVideo(header.streamID) || p.scrambled || len(d.provisional) == maxProvisional || d.mapped(p.pid) {
			return nil
		}
		i = len(d.provisional)
		d.provisional = append(d.provisional, d.newVideo(p.pid, keyframe.H264, keyframe.H265))
	}
	return d.follow(d.provisional[i], p, raw)
}

// mapped says whether a program map tells what the PID carries.
func (d *demuxer) mapped(pid int) bool {
	return slices.ContainsFunc(d.programs, func(p program) bool {
		return slices.ContainsFunc(p.streams, func(s stream) bool { return s.ID == pid })
	})
}

// table takes in the packets of a new program association table or map.
func (d *demuxer) table(pid int, packets []byte) {
	if pid == 0 {
		d.associate(packets)
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
		d.choose(p)
	}
}

func (d *demuxer) associate(packets []byte) {
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

// choose makes the first program that has video the one to follow, and follows
// its changes.
func (d *demuxer) choose(p program) {
	if d.wanted != 0 && p.number != d.wanted || d.chosen != 0 && p.number != d.chosen {
		return
	}
	s, ok := p.video()
	if !ok {
		return
	}
	if s.encrypted && d.decrypt == nil {
		d.encrypted = true
		return
	}
	d.chosen = p.number
	if d.video == nil || d.video.pid != s.ID || !d.video.Settled(s.codec) {
		d.video = d.adopt(s)
		if d.onCodec != nil {
			d.onCodec(s.codec)
		}
	}
	d.video.encrypted = s.encrypted
	d.provisional = nil
}

// clear returns f, a frame of v, decrypted if need be.
func (d *demuxer) clear(v *video, f *keyframe.Frame) *keyframe.Frame {
	if v.encrypted {
		d.decrypt(f)
	}
	return f
}

// adopt keeps what a PID has gathered before its program map came.
func (d *demuxer) adopt(s stream) *video {
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
	if d.every {
		v.EveryPicture()
	}
	return v
}

// goOn prepares for packets that do not count on from those before.
func (d *demuxer) goOn() {
	d.bytes, d.start = 0, keyframe.NoPTS
	for _, v := range d.followed() {
		v.counted, v.inPES = false, false
	}
}

// followed returns the streams that may hold a keyframe.
func (d *demuxer) followed() []*video {
	if d.video != nil {
		return []*video{d.video}
	}
	return d.provisional
}

// keep makes the demuxer independent of the buffer that its packets lay in.
func (d *demuxer) keep() {
	if d.video != nil {
		d.video.keep()
	}
	for _, v := range d.provisional {
		v.keep()
	}
}

// hopeless says that the tables are complete and lead to no video.
func (d *demuxer) hopeless() bool {
	return d.bytes > givingUp && d.video == nil && len(d.maps) > 0 && d.listed()
}

// listed says whether every program map that the association table names, or the
// wanted one, has come.
func (d *demuxer) listed() bool {
	if d.wanted != 0 {
		_, ok := d.maps[d.wanted]
		return !ok || slices.ContainsFunc(d.programs, func(p program) bool { return p.number == d.wanted })
	}
	return len(d.programs) >= len(d.maps)
}

// failure says why no keyframe came, in an error that wraps one of keyframe's.
func (d *demuxer) failure() error {
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
	return d.noVideo()
}

// noVideo says what there is instead of H.264 or H.265.
func (d *demuxer) noVideo() error {
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
