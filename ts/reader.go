package ts

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Options are the settings of a Reader. The zero value follows the first stream of the
// program maps that delivers keyframes.
type Options struct {
	// Program is the program_number to follow; 0 is the first with video.
	Program int

	// OnCodec, if set, is called when the program map names the codec, before the
	// keyframe is whole.
	OnCodec func(keyframe.Codec)

	// SampleAES, if set, decrypts a frame of a stream with encrypted samples
	// (stream_type 0xDB, Apple's SAMPLE-AES of H.264) by setting its Data. Without it,
	// such streams are an error.
	SampleAES func(*keyframe.Frame)

	// EveryPicture makes Reader.Keyframe return every picture in decoding order, as
	// keyframe.Assembler.EveryPicture does, and io.EOF at the end of a source that has
	// video.
	EveryPicture bool
}

// Reader finds keyframes in a transport stream.
type Reader struct {
	src   io.Reader
	demux *demuxer

	buf        []byte
	start, end int // what of buf is read and not used
	stride     int // distance of packets, 0 if unknown
	gap        int // bytes to skip before the next packet
	garbage    int // bytes dropped in search of packets
	found      bool
	err        error // of src, at its last read

	feeding *candidate
	ready   *keyframe.Frame // to be returned next
	flushed bool            // since the last read
	latest  time.Duration   // of the pictures that LastKeyframe came across, from its start
}

const (
	// bufferSize is how much a Reader asks of its source in one call. Sources that
	// count bytes return less.
	bufferSize = 64 << 10
	// maxGarbage bounds the search for packets: a damaged recording resumes within a
	// few of them.
	maxGarbage = 1 << 20
	// maxEmptyReads is how often a source may return nothing and no error.
	maxEmptyReads = 100
)

// NewReader returns a Reader of src, whose packets may begin anywhere. o may be
// nil.
func NewReader(src io.Reader, o *Options) *Reader {
	if o == nil {
		o = &Options{}
	}
	return &Reader{src: src, demux: newDemuxer(*o), buf: make([]byte, bufferSize)}
}

// Keyframe returns the next keyframe, or with Options.EveryPicture the next picture.
// The error wraps keyframe.ErrNotFound if the stream ends without one,
// keyframe.ErrUnsupported if its video is scrambled or of another codec,
// keyframe.ErrCorrupt if it is no transport stream or breaks off in the middle of its
// keyframe; other errors are the source's. At the end of the stream or of a byte
// budget (an error of the source that wraps keyframe.ErrNotFound), Keyframe returns
// the last all-intra picture if there is one. After an error of the source other than
// io.EOF, Keyframe may be called again and reads on.
func (r *Reader) Keyframe() (*keyframe.Frame, error) {
	f, err := r.nextFrame(func(time.Duration) bool { return false })
	ended := errors.Is(r.err, io.EOF) && errors.Is(err, keyframe.ErrNotFound)
	if r.demux.everyPicture && ended && r.demux.hasListedVideo() {
		return nil, io.EOF
	}
	return f, err
}

// nextFrame returns the next frame, or nil before the first payload whose
// presentation time is enough.
func (r *Reader) nextFrame(enough func(pts time.Duration) bool) (*keyframe.Frame, error) {
	if f := r.ready; f != nil {
		r.ready = nil
		return f, nil
	}
	for {
		if c := r.feeding; c != nil {
			if f := c.nextFrame(); f != nil {
				if f = r.demux.offerFrame(c, f); f != nil {
					return f, nil
				}
				continue
			}
			if c == r.demux.favourite() && enough(c.pts) {
				return nil, nil
			}
			r.feeding = nil
		}
		if f := r.demux.takeHeld(); f != nil {
			return f, nil
		}

		raw, err := r.nextPacket()
		if err != nil {
			return r.finishSource(err)
		}
		if r.feeding = r.demux.takePacket(raw); r.feeding == nil && r.demux.isHopeless() {
			return nil, r.demux.findFailure()
		}
	}
}

// Tracks lists the elementary streams of the program maps seen so far. The codec of
// the video that is read is that of its content.
func (r *Reader) Tracks() []keyframe.Track {
	var tracks []keyframe.Track
	for _, p := range r.demux.programs {
		for _, s := range p.streams {
			t := s.Track
			if v := r.demux.video; v != nil && v.pid == t.ID && v.program == p.number {
				t.Type, t.Codec = "video", v.codecs[0].String()
			}
			tracks = append(tracks, t)
		}
	}
	return tracks
}

// Start returns the first presentation time of the video stream, or
// keyframe.NoPTS before one came. Since counts from it.
func (r *Reader) Start() time.Duration {
	if c := r.demux.favourite(); c != nil {
		return c.start
	}
	return keyframe.NoPTS
}

// Buffered returns how many bytes were read from the source and not used: those after
// what showed the end of the last keyframe.
func (r *Reader) Buffered() int { return r.end - r.start }

// finishSource turns the end of the source into the last frame or an error.
func (r *Reader) finishSource(err error) (*keyframe.Frame, error) {
	atEnd, atBudget := errors.Is(err, io.EOF), errors.Is(err, keyframe.ErrNotFound)
	if !atEnd && !atBudget {
		return nil, err
	}
	truncated := r.endsInPacket()
	if !r.flushed && (atBudget || truncated) {
		r.losePackets()
	}
	r.flushed = true

	if f := r.demux.flushFrame(); f != nil {
		return f, nil
	}

	switch {
	case atBudget:
		return nil, err
	case !r.found:
		return nil, fmt.Errorf("%w: not an MPEG transport stream", keyframe.ErrCorrupt)
	case truncated && r.demux.hasListedVideo():
		return nil, fmt.Errorf("%w: the transport stream breaks off in the middle of a packet", keyframe.ErrCorrupt)
	}
	return nil, r.demux.findFailure()
}

// endsInPacket reports whether the stream ended within a packet that may be the
// video's.
func (r *Reader) endsInPacket() bool {
	left := r.buf[r.start:r.end]
	if !r.found || len(left) == 0 || len(left) >= packetSize || left[0] != syncByte {
		return false
	}
	if len(left) < 3 || !r.demux.hasListedVideo() {
		return true
	}
	return r.demux.findFollowed(int(left[1]&0x1f)<<8|int(left[2])) != nil
}

func (r *Reader) losePackets() {
	for _, c := range r.demux.listFollowed() {
		c.losePackets()
	}
}

// nextPacket returns the next packetSize bytes that begin with a sync byte in step
// with its neighbours. They are valid until the next call.
func (r *Reader) nextPacket() ([]byte, error) {
	for {
		passed := min(r.gap, r.end-r.start)
		r.start, r.gap = r.start+passed, r.gap-passed
		have := r.buf[r.start:r.end]
		switch {
		case r.stride != 0 && len(have) > 0 && have[0] != syncByte:
			r.stride = 0
			r.losePackets()
			continue
		case r.stride != 0 && len(have) >= packetSize:
			r.start += packetSize
			r.gap = r.stride - packetSize
			return have[:packetSize], nil
		case r.stride == 0 && r.synchronise():
			continue
		case r.garbage > maxGarbage:
			return nil, fmt.Errorf("%w: not an MPEG transport stream", keyframe.ErrCorrupt)
		}
		if err := r.fillBuffer(); err != nil && (r.stride != 0 || !r.synchronise()) {
			return nil, err
		}
	}
}

// synchronise looks for packets in the buffer, and drops what holds none. It reports
// whether something has changed.
func (r *Reader) synchronise() bool {
	have := r.buf[r.start:r.end]
	if f, ok := findFraming(have, r.err != nil); ok {
		r.start += f.offset
		r.garbage += f.offset
		r.stride, r.found = f.stride, true
		return true
	}
	if len(have) < 2*framingLookahead {
		return false
	}

	r.start += packetSize
	r.garbage += packetSize
	return r.garbage <= maxGarbage
}

// fillBuffer reads more from the source.
func (r *Reader) fillBuffer() error {
	if errors.Is(r.err, io.EOF) {
		return r.err
	}
	r.demux.keepPackets()
	r.end = copy(r.buf, r.buf[r.start:r.end])
	r.start = 0

	for range maxEmptyReads {
		var n int
		n, r.err = r.src.Read(r.buf[r.end:])
		r.end += n
		if n > 0 {
			r.flushed = false
			return nil
		}
		if r.err != nil {
			return r.err
		}
	}
	r.err = io.ErrNoProgress
	return r.err
}

// Continue reads on in src, which continues the same stream: its next segment. r
// keeps the tables and parameter sets. Nothing counts as lost if the source before was
// read to its end. Start is that of src.
func (r *Reader) Continue(src io.Reader) {
	if !r.flushed {
		r.losePackets()
	}
	r.demux.startSource()
	*r = Reader{src: src, demux: r.demux, buf: r.buf}
}
