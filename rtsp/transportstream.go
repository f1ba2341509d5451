package rtsp

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

// transportReader reads an MPEG transport stream in RTP packets (RFC 2250 2).
type transportReader struct {
	reader *ts.Reader
	rest   bytes.Buffer // what reader has not read
	ended  bool
	err    error // of reader, when it cannot go on
}

// errNoPacket is the end of what has come so far.
var errNoPacket = errors.New("no packet yet")

func newTransportReader(everyPicture bool) *transportReader {
	t := &transportReader{}
	t.reader = ts.NewReader(t, &ts.Options{EveryPicture: everyPicture})
	return t
}

// Read returns what came in packets. It is for ts.Reader.
func (t *transportReader) Read(p []byte) (int, error) {
	switch {
	case t.rest.Len() > 0:
		return t.rest.Read(p)
	case t.ended:
		return 0, io.EOF
	}
	return 0, errNoPacket
}

// takePayload takes the payload of one packet, and passes the frames that end in it to
// emit.
func (t *transportReader) takePayload(payload []byte, emit func(*keyframe.Frame)) {
	if t.err != nil {
		return
	}
	t.rest.Write(payload)
	for t.err == nil {
		f, err := t.reader.Keyframe()
		if errors.Is(err, errNoPacket) {
			return
		}
		if t.err = err; err == nil {
			if f.PTS != keyframe.NoPTS {
				f.PTS = ts.Since(f.PTS, t.reader.Start())
			}
			emit(f)
		}
	}
}

func (t *transportReader) endStream(emit func(*keyframe.Frame)) {
	t.ended = true
	t.takePayload(nil, emit)
}

// notFound names what the stream held instead of a keyframe.
func (t *transportReader) notFound() error {
	if t.err != nil && !errors.Is(t.err, io.EOF) {
		return t.err
	}
	return fmt.Errorf("%w: no keyframe in the transport stream", keyframe.ErrNotFound)
}
