package hlssource

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

// firstPTS is the presentation time of the first keyframe of a transport
// stream.
func firstPTS(t testing.TB, data string) time.Duration {
	t.Helper()
	f, err := ts.NewReader(strings.NewReader(data), nil).Keyframe()
	if err != nil {
		t.Fatal(err)
	}
	return f.PTS
}

// tsEnd returns where the first access unit of one of ffmpeg's transport
// streams ends: at the second packet that begins a PES packet of its video.
func tsEnd(t testing.TB, data []byte) int64 {
	t.Helper()
	const video = 0x100
	seen := 0
	for at := 0; at < len(data); at += 188 {
		if head := binary.BigEndian.Uint32(data[at:]); head&0x00400000 != 0 && head>>8&0x1fff == video {
			if seen++; seen == 2 {
				return int64(at)
			}
		}
	}
	return int64(len(data))
}

// mp4End returns where the keyframe f ends within an MP4 segment.
func mp4End(t testing.TB, segment []byte, f *keyframe.Frame) int64 {
	t.Helper()
	tail := f.Data[len(f.Data)-40:]
	at := bytes.Index(segment, tail)
	if at < 0 {
		t.Fatal("the keyframe is not in the segment")
	}
	return int64(at + len(tail))
}
