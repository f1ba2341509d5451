package rtsp

import (
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"

	"github.com/kfgrab/kfgrab/keyframe"
)

// The tricks of gortsplib.go were tested with this version. When this test fails,
// read that file, run the tests that it names, and only then change the version.
func TestGortsplibVersion(t *testing.T) {
	const tested = "v5.6.5"
	text, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`github.com/bluenviron/gortsplib/v5 (\S+)`).FindSubmatch(text)
	if m == nil || string(m[1]) != tested {
		t.Errorf("go.mod requires gortsplib %s, gortsplib.go was tested with %s", m, tested)
	}
	page, err := os.ReadFile("gortsplib.go")
	if err != nil || !strings.Contains(string(page), "tested with "+tested) {
		t.Errorf("gortsplib.go does not say that it was tested with %s: %v", tested, err)
	}
}

// TestGortsplibTestsExist proves that every test named in gortsplib.go exists.
func TestGortsplibTestsExist(t *testing.T) {
	page, err := os.ReadFile("gortsplib.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), "_test.go") {
			b, err := os.ReadFile(f.Name())
			if err != nil {
				t.Fatal(err)
			}
			tests.Write(b)
		}
	}
	for _, name := range regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(string(page), -1) {
		if !strings.Contains(tests.String(), "func "+name+"(") {
			t.Errorf("there is no %s", name)
		}
	}
}

// TestLateDatagrams proves that datagrams may start later than gortsplib's own
// limit, which is one second in a group.
func TestLateDatagrams(t *testing.T) {
	s, packets := pictures(t, 0, 2)
	var sending sync.WaitGroup
	t.Cleanup(sending.Wait)
	answer := toGroup(t, packets)
	srv := &script{sdp: h264SDP, answer: func(p *peer, method string) string {
		if method != "PLAY" {
			return answer(p, method)
		}
		// A second and a half is longer than gortsplib's limit, which the test
		// cannot shorten.
		sending.Go(func() { <-time.After(1500 * time.Millisecond); answer(p, method) })
		return ""
	}}
	f, err := grab(t, srv.run(t), &Options{Transport: Multicast})
	if err != nil {
		t.Fatal(err)
	}
	sameFrames(t, []*keyframe.Frame{f}, s.frames[:1])
}

// TestConversation proves that a conversation counts round trips and knows
// which method an error is about.
func TestConversation(t *testing.T) {
	var c conversation
	c.seen.method = connecting
	if c.noteRequest(base.Options, true) {
		t.Error("the OPTIONS of a primed connection was sent")
	}
	for _, m := range []base.Method{base.Options, base.Setup, base.Play} {
		if !c.noteRequest(m, false) {
			t.Errorf("%s was not sent", m)
		}
	}
	ok := &base.Response{StatusCode: base.StatusOK}
	c.setDatagrams(true)
	if !c.noteResponse(ok) {
		t.Error("PLAY was answered, and no datagrams are expected")
	}
	for _, m := range []base.Method{base.Options, base.Teardown} { // a keepalive, and the end
		if !c.noteRequest(m, false) || c.noteResponse(ok) {
			t.Errorf("%s after PLAY", m)
		}
	}
	if seen := c.read(); seen.method != base.Play || !seen.playing || c.takeRoundTrips() != 3 || c.takeRoundTrips() != 0 {
		t.Errorf("%+v", seen)
	}
	if c.noteRequest(base.Pause, false); c.read().playing || c.takeRoundTrips() != 1 {
		t.Error("PAUSE does not end the play")
	}
}
