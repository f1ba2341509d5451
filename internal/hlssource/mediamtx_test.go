package hlssource

import (
	"testing"

	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestMediaMTX: the newest whole segment of low-latency HLS by MediaMTX gives a
// keyframe.
func TestMediaMTX(t *testing.T) {
	file := testmedia.Make(t, "live.264")
	server := testserver.MediaMTX{HLS: true}.Start(t)
	server.Publish(t, file, "/live")
	server.Await(t, "is converting into HLS")
	m := new(meter.Counter)
	s := source(t, server.HLS("/live"), nil, &fetch.Options{Meter: m})
	known := map[string]bool{}
	for _, sum := range testmedia.Hashes(t, read(t, file), "-f", "h264", "-skip_frame", "nokey") {
		known[sum] = true
	}
	for _, most := range []int{5, 3} { // the second time without master playlist and section
		before := m.Read()
		f := mustGrab(t, s)
		if got := m.Read().Sub(before).Requests; got > most {
			t.Errorf("%d requests, want %d at most", got, most)
		}
		if sums := testmedia.Hashes(t, f.Data, "-f", "h264"); f.Codec != keyframe.H264 || len(sums) != 1 || !known[sums[0]] {
			t.Errorf("%v pictures %q: not one of the stream's keyframes", f.Codec, sums)
		}
	}
}

// TestKeyframesMediaMTX: further keyframes come by blocking reload.
func TestKeyframesMediaMTX(t *testing.T) {
	file := testmedia.Make(t, "live.264")
	server := testserver.MediaMTX{HLS: true}.Start(t)
	server.Publish(t, file, "/live")
	server.Await(t, "is converting into HLS")
	list, err := inTurn(t, source(t, server.HLS("/live"), nil, nil), 3)
	if err != nil || len(list) != 3 {
		t.Fatal(len(list), err)
	}
	for i, f := range list[1:] {
		if f.PTS <= list[i].PTS {
			t.Errorf("%v behind %v", f.PTS, list[i].PTS)
		}
	}
}
