package ts

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Bounds of what a stream can make the demuxer keep and do.
const (
	maxPrograms = 256 // a multiplex of 60 Mbit/s has some 20
	// hopelessAfter is how far a stream is read whose program maps are all known and
	// name no video, in case they change: half a second of 8 Mbit/s.
	hopelessAfter = 512 << 10
)

// demuxer follows the program tables and the video streams that they lead to. It
// does no I/O. The caller must not change packets until it calls keepPackets.
type demuxer struct {
	wanted       int // program number, 0 for the first with video
	onCodec      func(keyframe.Codec)
	decrypt      func(*keyframe.Frame) // of SAMPLE-AES, or nil
	everyPicture bool                  // Options.EveryPicture

	sections    map[int]*sectionStream // by PID: the association table and the maps
	known       map[tableKey]uint32    // checksums of the tables in force
	association association
	maps        map[int]int // PIDs of the program maps by program number
	programs    []program

	video      *candidate // that delivered a keyframe, or nil
	surely     bool       // no better candidate was awaited then
	candidates candidates // before that
	told       keyframe.Codec

	bytes     int64 // of the source, in packets
	total     int64 // of all sources
	encrypted bool  // SAMPLE-AES
}

func newDemuxer(o Options) *demuxer {
	return &demuxer{
		wanted: o.Program, onCodec: o.OnCodec, decrypt: o.SampleAES, everyPicture: o.EveryPicture,
		sections: map[int]*sectionStream{0: {}}, known: map[tableKey]uint32{}, maps: map[int]int{},
	}
}

// takePacket routes one packet. It returns the video stream that may have a frame
// now, else nil.
func (d *demuxer) takePacket(raw []byte) *candidate {
	p := parsePacket(raw)
	d.bytes += packetSize
	d.total += packetSize

	c := d.findFollowed(p.pid)
	if c == nil {
		switch s := d.sections[p.pid]; {
		case p.payload == nil || p.pid == pidNull || p.damaged:
			return nil
		case s != nil:
			s.addPayload(p, func(section []byte) { d.takeSection(p.pid, section) })
			return nil
		case d.video == nil:
			c = d.admitStream(p)
		}
	}
	if c == nil || !c.takePacket(p, raw) {
		return nil
	}
	return c
}

// findFollowed returns the candidate of a PID that is followed, or nil.
func (d *demuxer) findFollowed(pid int) *candidate {
	if d.video != nil {
		if d.video.pid == pid {
			return d.video
		}
		return nil
	}
	return d.candidates.find(pid)
}

// admitStream makes a PID whose packet looks like video a candidate, or returns nil.
func (d *demuxer) admitStream(p packet) *candidate {
	header, ok := parsePES(p.payload)
	if !p.start || !ok {
		return nil
	}

	program, mapped := d.findProgram(p.pid)
	content := codecOfContent(header.payload) != keyframe.UnknownCodec
	switch {
	case mapped && content && d.mayFollow(program):
		return d.addCandidate(stream{Track: keyframe.Track{ID: p.pid}}, disguised, program)
	case !mapped && d.wanted == 0 && (content || isVideo(header.streamID)):
		return d.addCandidate(stream{Track: keyframe.Track{ID: p.pid}}, unlisted, 0)
	}
	return nil
}

// findProgram returns the number of a program whose map names the PID.
func (d *demuxer) findProgram(pid int) (number int, ok bool) {
	for _, p := range d.programs {
		if _, ok := p.findStream(pid); ok {
			return p.number, true
		}
	}
	return 0, false
}

// mayFollow reports whether the video may be of the program.
func (d *demuxer) mayFollow(number int) bool { return d.wanted == 0 || d.wanted == number }

// addCandidate adds a candidate that is read as either codec, whatever its label says.
func (d *demuxer) addCandidate(s stream, why preference, program int) *candidate {
	codecs := []keyframe.Codec{keyframe.H264, keyframe.H265}
	if s.codec == keyframe.H265 {
		slices.Reverse(codecs)
	}

	c := &candidate{
		video: newVideo(s.ID, codecs...), preference: why, program: program, label: s.codec, since: d.total,
	}
	c.setEncrypted(s.encrypted)
	if d.everyPicture {
		c.EveryPicture()
	}
	d.candidates.add(c)
	return d.candidates.find(s.ID)
}

// takeSection takes a section of a program association table or map.
func (d *demuxer) takeSection(pid int, section []byte) {
	t, ok := parseTable(section)
	key := tableKey{pid, t.id, t.extension, t.number}
	if checksum, known := d.known[key]; !ok || (known && checksum == t.checksum) {
		return
	}

	switch {
	case pid == 0 && t.id == tablePAT:
		d.takeAssociation(d.association.addTable(t))
	case t.id == tablePMT && d.maps[t.extension] == pid: // else the PAT does not list it
		if p, ok := parseProgram(t); ok {
			d.takeProgram(p)
		}
	}
	if len(d.known) > 2*maxPrograms {
		clear(d.known)
	}
	d.known[key] = t.checksum
}

func (d *demuxer) takeAssociation(pids map[int]int) {
	if len(pids) == 0 || len(pids) > maxPrograms || maps.Equal(pids, d.maps) {
		return
	}

	d.maps = pids
	clear(d.known) // of maps that were not listed
	wanted := map[int]*sectionStream{0: d.sections[0]}
	for _, pid := range pids {
		if wanted[pid] = d.sections[pid]; wanted[pid] == nil {
			wanted[pid] = &sectionStream{}
		}
	}
	d.sections = wanted

	d.programs = slices.DeleteFunc(d.programs, func(p program) bool { return pids[p.number] == 0 })
	gone := func(c *candidate) bool { return c.program != 0 && pids[c.program] == 0 }
	d.candidates = slices.DeleteFunc(d.candidates, gone)
	if d.video != nil && gone(d.video) {
		d.abandonVideo()
	}
}

// takeProgram takes a program map, which may be a new version.
func (d *demuxer) takeProgram(p program) {
	i := slices.IndexFunc(d.programs, func(old program) bool { return old.number == p.number })
	if i < 0 {
		d.programs = append(d.programs, p)
	} else {
		d.programs[i] = p
	}
	if !d.mayFollow(p.number) {
		return
	}

	if d.video != nil && !d.video.isOutdatedBy(p) {
		d.video.adoptListing(p)
		return
	}
	if d.video != nil {
		d.abandonVideo()
	}
	d.candidates = slices.DeleteFunc(d.candidates, func(c *candidate) bool { return c.isOutdatedBy(p) || c.isExplainedBy(p) })
	d.listCandidates(p)
}

// listCandidates makes the streams of a program candidates that its map says are
// video.
func (d *demuxer) listCandidates(p program) {
	for _, s := range p.streams {
		switch c := d.candidates.find(s.ID); {
		case c != nil:
			c.adoptListing(p)
		case s.encrypted && d.decrypt == nil:
			d.encrypted = true
		case s.codec != keyframe.UnknownCodec:
			d.addCandidate(s, labelled, p.number)
		}
	}
	d.candidates.sort()
	if len(d.candidates) > 0 && d.told == keyframe.UnknownCodec {
		d.tellCodec(d.candidates[0].label)
	}
}

func (d *demuxer) tellCodec(c keyframe.Codec) {
	if d.onCodec != nil && c != d.told && c != keyframe.UnknownCodec {
		d.onCodec(c)
	}
	d.told = c
}

// abandonVideo starts to look for the video again, in the same program if it is there.
func (d *demuxer) abandonVideo() {
	number := d.video.program
	d.video, d.told = nil, keyframe.UnknownCodec
	for _, p := range d.programs {
		if p.number == number {
			d.listCandidates(p)
		}
	}
}

// offerFrame returns f, a frame of c, or keeps it as long as a better candidate is
// awaited.
func (d *demuxer) offerFrame(c *candidate, f *keyframe.Frame) *keyframe.Frame {
	if c == d.video {
		return d.decryptFrame(f)
	}
	if c.held == nil || d.everyPicture { // with every picture, those after the last follow it
		c.held = f
	}
	return d.takeHeld()
}

// takeHeld returns the frame of the best candidate unless a better one is awaited.
func (d *demuxer) takeHeld() *keyframe.Frame {
	if d.video != nil {
		return nil
	}
	c := d.candidates.choose(d.total)
	if c == nil {
		return nil
	}
	d.surely = true
	return d.settleVideo(c)
}

// flushFrame ends the stream. It returns the frame of the best candidate that has one.
func (d *demuxer) flushFrame() *keyframe.Frame {
	if d.video != nil {
		if f := d.video.flushFrame(); f != nil {
			return d.decryptFrame(f)
		}
		return nil
	}

	d.surely = true
	for _, c := range d.candidates {
		if c.held == nil {
			c.held = c.flushFrame()
		}
		if c.held != nil {
			return d.settleVideo(c)
		}
		d.surely = d.surely && !c.isAwaited(d.total)
	}
	return nil
}

// settleVideo goes on with c alone and returns its frame.
func (d *demuxer) settleVideo(c *candidate) *keyframe.Frame {
	f := c.held
	c.held = nil
	c.settleCodec(f.Codec)
	d.video, d.candidates = c, nil
	d.tellCodec(f.Codec)
	return d.decryptFrame(f)
}

// decryptFrame returns f, a frame of the video, and decrypts it if necessary.
func (d *demuxer) decryptFrame(f *keyframe.Frame) *keyframe.Frame {
	if d.video.encrypted {
		d.decrypt(f)
	}
	return f
}

// favourite returns the video, or the candidate that is most likely to be it, or nil.
func (d *demuxer) favourite() *candidate {
	if d.video != nil {
		return d.video
	}
	return d.candidates.favourite(d.total)
}

// startSource prepares for packets whose counters do not continue those before.
func (d *demuxer) startSource() {
	d.bytes = 0
	for _, c := range d.listFollowed() {
		c.startSource()
	}
}

// listFollowed returns the streams that may hold a keyframe.
func (d *demuxer) listFollowed() candidates {
	if d.video != nil {
		return candidates{d.video}
	}
	return d.candidates
}

// keepPackets copies the packets that the demuxer still needs from the caller's buffer.
func (d *demuxer) keepPackets() {
	for _, c := range d.listFollowed() {
		c.keepLastPacket()
	}
}

// isHopeless reports whether the tables are complete and lead to no video.
func (d *demuxer) isHopeless() bool {
	return d.bytes > hopelessAfter && d.favourite() == nil && len(d.maps) > 0 && d.hasAllMaps()
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

// hasListedVideo reports whether a program map names what is followed.
func (d *demuxer) hasListedVideo() bool {
	c := d.favourite()
	return c != nil && c.program != 0
}

// findFailure returns why no keyframe came. The error wraps one of keyframe's.
func (d *demuxer) findFailure() error {
	if _, ok := d.maps[d.wanted]; d.wanted != 0 && len(d.maps) > 0 && !ok {
		var programs []string
		for _, number := range slices.Sorted(maps.Keys(d.maps)) {
			programs = append(programs, fmt.Sprint(number))
		}
		return fmt.Errorf("%w: no program %d; the programs are %s", keyframe.ErrNotFound, d.wanted, strings.Join(programs, ", "))
	}

	c := d.favourite()
	switch {
	case c != nil && c.scrambled && !c.clear:
		return fmt.Errorf("%w: the video is scrambled (conditional access)", keyframe.ErrUnsupported)
	case d.encrypted && !d.hasListedVideo():
		return fmt.Errorf("%w: the video is encrypted (SAMPLE-AES)", keyframe.ErrUnsupported)
	case d.hasListedVideo():
		return c.NotFound()
	}
	if err := unreadableError(d.programs); err != nil {
		return err
	}
	if c != nil {
		return c.NotFound()
	}
	return fmt.Errorf("%w: no video stream", keyframe.ErrNotFound)
}

// copyForSeek returns a demuxer of the same stream at another place. It knows the
// tables, and has gathered nothing.
func (d *demuxer) copyForSeek() *demuxer {
	e := newDemuxer(Options{Program: d.wanted, OnCodec: d.onCodec, SampleAES: d.decrypt})
	e.association, e.maps, e.programs, e.told = d.association, d.maps, slices.Clone(d.programs), d.told
	for pid := range d.sections {
		e.sections[pid] = &sectionStream{}
	}
	if c := d.favourite(); c != nil {
		e.video = &candidate{video: newVideo(c.pid, c.codecs...), preference: c.preference, program: c.program, label: c.label}
		e.video.setEncrypted(c.encrypted)
	}
	return e
}
