package rtsp

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
)

// conversation records facts from the requests and answers of one connection.
// gortsplib's goroutine writes it and the session reads it.
type conversation struct {
	mu        sync.Mutex
	seen      dialogue
	asked     *url.URL // of DESCRIBE
	candidate int      // which of the video tracks to play
	datagrams bool     // the transport that SETUP is tried with is UDP
}

// dialogue is the content of a conversation at one moment.
type dialogue struct {
	method     base.Method // of the last request that was waited for
	playing    bool        // PLAY was answered
	redirect   int         // status code of a redirect of DESCRIBE, or 0
	location   string      // where it leads
	public     string      // the methods that OPTIONS listed
	challenges []string    // of the last answer 401
	sdp        *sdp        // from DESCRIBE, or nil
	video      *videoTrack // the track to play, or nil
	videoErr   error       // why there is none
	aggregate  *url.URL    // of all tracks together, for PLAY
	controls   []*url.URL  // that the track may have, for SETUP
	roundTrips int

	others [maxPayloadType + 1]bool // their payload types, except that of the track
}

// listOthers names the payload types of packets that are not the track's.
func listOthers(types [maxPayloadType + 1]bool) string {
	var list []string
	for pt, seen := range types {
		if seen {
			list = append(list, strconv.Itoa(pt))
		}
	}
	return strings.Join(list, ", ")
}

// maxPayloadType is the largest one that 7 bits hold (RFC 3550 5.1).
const maxPayloadType = 127

func (c *conversation) read() dialogue {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen
}

func (c *conversation) addRoundTrip() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen.roundTrips++
}

// takeRoundTrips returns the number of round trips since the last call.
func (c *conversation) takeRoundTrips() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.seen.roundTrips
	c.seen.roundTrips = 0
	return n
}

func (c *conversation) setDatagrams(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.datagrams = on
}

// notePacket counts a packet by its payload type. It returns the track that it may
// belong to, or nil.
func (c *conversation) notePacket(payloadType uint8) *videoTrack {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.seen.video
	if v == nil {
		return nil
	}
	c.seen.others[payloadType] = payloadType != v.payloadType && !slices.Contains(v.synonyms, payloadType)
	return v
}

// noteRequest reports whether a request goes to the server. The OPTIONS of a
// primed connection does not.
//
// TEARDOWN, and the OPTIONS that gortsplib sends to keep a play alive, are sent
// but not waited for, and are not the method that an error is about.
func (c *conversation) noteRequest(method base.Method, primed bool) (sent bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if primed && method == base.Options && c.seen.method == connecting {
		return false
	}

	if method == base.Pause {
		c.seen.playing = false
	}
	if method != base.Teardown && !c.seen.playing {
		c.seen.method = method
		c.seen.roundTrips++
	}
	return true
}

// noteResponse records an answer, and reports whether it begins a play over
// datagrams.
//
// It takes redirects out of gortsplib's hands, which follows them without bound
// and sends the credentials to any host: without Location, the status is an error
// (TestRedirect and its like).
func (c *conversation) noteResponse(r *base.Response) (datagrams bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := &c.seen

	switch {
	case seen.playing: // the answers to gortsplib's keepalives
	case r.StatusCode == base.StatusUnauthorized:
		seen.challenges = r.Header["WWW-Authenticate"]
	case seen.method == base.Options && r.StatusCode == base.StatusOK:
		seen.public = strings.Join(r.Header["Public"], ", ")
	case seen.method == base.Play && r.StatusCode == base.StatusOK:
		seen.playing = true
		return c.datagrams
	case seen.method == base.Describe && isRedirect(r):
		seen.redirect, seen.location = int(r.StatusCode), r.Header["Location"][0]
		delete(r.Header, "Location")
	case seen.method == base.Describe && r.StatusCode == base.StatusOK:
		c.noteDescription(r)
	}
	return false
}

// noteDescription records an SDP. gortsplib sees only the track that is played, because
// it refuses all of them for a fault in one (TestBrokenAudio). Nor does it see
// Content-Base and the control attributes, whose URLs it joins in one way only
// (TestControl).
func (c *conversation) noteDescription(r *base.Response) {
	seen := &c.seen
	seen.sdp = parseSDP(r.Body)
	if seen.video, seen.videoErr = seen.sdp.chooseVideo(c.candidate); seen.videoErr != nil {
		return
	}

	base := baseURL(c.asked, strings.Join(r.Header["Content-Base"], ""), strings.Join(r.Header["Content-Location"], ""))
	seen.aggregate = controlURLs(base, findAttribute(seen.sdp.attributes, "control"))[0]
	seen.controls = controlURLs(seen.aggregate, findAttribute(seen.sdp.media[seen.video.index].attributes, "control"))
	delete(r.Header, "Content-Base")
	r.Header["Content-Type"] = []string{"application/sdp"}
	r.Body = seen.sdp.reduceTo(seen.video)
}

func isRedirect(r *base.Response) bool {
	return r.StatusCode >= 300 && r.StatusCode < 400 && len(r.Header["Location"]) == 1
}
