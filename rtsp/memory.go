package rtsp

import (
	"net/url"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
)

// memory is what a session has learnt for the next one.
type memory struct {
	url       *url.URL // where redirects led
	public    string   // the methods that the server told
	basic     string   // its challenge for basic authentication, or ""
	transport Transport

	sdp   *sdp
	video *videoTrack
	desc  *description.Session
}

// remember returns what holds for the next session, or nil. inBand says that the
// stream repeats its parameter sets. One that does not needs a new DESCRIBE each
// time, as a picture that is decoded with those of yesterday comes out torn; so
// does one that is encrypted with keys of the session.
func (s *session) remember(inBand bool) *memory {
	if !inBand || s.video.encrypted {
		return nil
	}
	return &memory{
		url: s.url, public: s.public, basic: basicOf(s.challenge), transport: s.transport,
		sdp: s.sdp, video: s.video, desc: s.desc,
	}
}
