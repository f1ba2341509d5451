package ts

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Options are the settings of a Reader. The zero value follows the first program
// that has video.
type Options struct {
	// Program is the program_number to follow; 0 is the first with video.
	Program int

	// OnCodec, where set, is called when the program map tells the codec, before
	// the keyframe is whole.
	OnCodec func(keyframe.Codec)

	// SampleAES, where set, decrypts a frame of a stream whose samples are encrypted
	// (stream_type 0xDB, Apple's SAMPLE-AES of H.264), by setting its Data. Where it
	// is nil, such streams are refused.
	SampleAES func(*keyframe.Frame)
}

// Reader finds keyframes in a transport stream.
type Reader struct {
	src   io.Reader
	demux *demuxer

	buf        []byte
	start, end int // what of buf is read and not used
	stride     int // distance of packets, 0 where it is to be found out
	gap        int // bytes to pass over before the next packet
	garbage    int // bytes dropped in search of packets
	found      bool
	err        error // of src, at its last read

	feeding *video
	ready   *keyframe.Frame // to be returned next
	flushed bool            // since the last read
}

const (
	// bufferSize is what a Reader asks of its source at most in one call. Sources
	// that count bytes return less.
	bufferSize = 64 << 10
	// maxGarbage is how much that is no transport stream is looked through: a
	// damaged recording resumes within a few packets.
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

// Keyframe returns the next keyframe. The error wraps keyframe.ErrNotFound where
// the stream ends without one, keyframe.ErrUnsupported where its video is
// scrambled or of another codec, keyframe.ErrCorrupt where it is no transport
// stream or breaks off in the middle of its keyframe, or else it is the source's.
// At the end of the stream or of a byte budget (an error of the source that wraps
// keyframe.ErrNotFound) the last all-intra picture serves. After an error of the
// source other than io.EOF, Keyframe may be called again and reads on.
func (r *Reader) Keyframe() (*keyframe.Frame, error) {
	return r.next(func(time.Duration) bool { return false })
}

// next returns the next keyframe, or nil before the first payload whose picture's
// presentation time is enough.
func (r *Reader) next(enough func(pts time.Duration) bool) (*keyframe.Frame, error) {
	if f := r.ready; f != nil {
		r.ready = nil
		return f, nil
	}
	for {
		if v := r.feeding; v != nil {
			if f := v.Next(); f != nil {
				return r.demux.clear(v, f), nil
			}
			if enough(v.pts) {
				return nil, nil
			}
			r.feeding = nil
		}
		raw, err := r.packet()
		if err != nil {
			return r.finish(err)
		}
		if r.feeding = r.demux.take(raw); r.feeding == nil && r.demux.hopeless() {
			return nil, r.demux.failure()
		}
	}
}

// Tracks lists the elementary streams of the program maps seen so far.
func (r *Reader) Tracks() []keyframe.Track {
	var tracks []keyframe.Track
	for _, p := range r.demux.programs {
		for _, s := range p.streams {
			tracks = append(tracks, s.Track)
		}
	}
	return tracks
}

// Start returns the first presentation time of the video stream, or
// keyframe.NoPTS before one came. Since counts from it.
func (r *Reader) Start() time.Duration { return r.demux.start }

// Buffered returns how many bytes were read of the source and not used: what is
// behind the last keyframe returned, and behind what showed its end.
func (r *Reader) Buffered() int { return r.end - r.start }

// finish turns the end of the source into the last frame or an error.
func (r *Reader) finish(err error) (*keyframe.Frame, error) {
	atEnd, atBudget := errors.Is(err, io.EOF), errors.Is(err, keyframe.ErrNotFound)
	if !atEnd && !atBudget {
		return nil, err
	}
	truncated := r.cutPacket()
	if !r.flushed && (atBudget || truncated) {
		r.lose()
	}
	r.flushed = true
	for _, v := range r.demux.followed() {
		if f := v.flush(); f != nil {
			return r.demux.clear(v, f), nil
		}
	}
	switch {
	case atBudget:
		return nil, err
	case !r.found:
		return nil, fmt.Errorf("%w: not an MPEG transport stream", keyframe.ErrCorrupt)
	case truncated && r.demux.video != nil:
		return nil, fmt.Errorf("%w: the transport stream breaks off in the middle of a packet", keyframe.ErrCorrupt)
	}
	return nil, r.demux.failure()
}

// cutPacket says whether the stream ended within a packet that may be the
// video's.
func (r *Reader) cutPacket() bool {
	left := r.buf[r.start:r.end]
	if !r.found || len(left) == 0 || len(left) >= packetSize || left[0] != syncByte {
		return false
	}
	if len(left) < 3 || r.demux.video == nil {
		return true
	}
	return int(left[1]&0x1f)<<8|int(left[2]) == r.demux.video.pid
}

func (r *Reader) lose() {
	for _, v := range r.demux.followed() {
		v.lose()
	}
}

// packet returns the next packetSize bytes that begin with a sync byte in step
// with its neighbours. They are valid until the next call.
func (r *Reader) packet() ([]byte, error) {
	for {
		passed := min(r.gap, r.end-r.start)
		r.start, r.gap = r.start+passed, r.gap-passed
		have := r.buf[r.start:r.end]
		switch {
		case r.stride != 0 && len(have) > 0 && have[0] != syncByte:
			r.stride = 0
			r.lose()
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
		if err := r.fill(); err != nil && (r.stride != 0 || !r.synchronise()) {
			return nil, err
		}
	}
}

// synchronise looks for packets in what is buffered, and drops what holds none.
// It says whether something has changed.
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

// fill reads more.
func (r *Reader) fill() error {
	if errors.Is(r.err, io.EOF) {
		return r.err
	}
	r.demux.keep()
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
