package rtsp

import (
	"context"
	"fmt"
	"strings"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/kfgrab/kfgrab/keyframe"
)

var protocols = map[Transport]gortsplib.Protocol{
	TCP: gortsplib.ProtocolTCP, UDP: gortsplib.ProtocolUDP, Multicast: gortsplib.ProtocolUDPMulticast,
}

// listTransports returns those that SETUP is tried with.
func (s *session) listTransports() []Transport {
	switch {
	case s.tunnel != noTunnel:
		return []Transport{TCP} // nothing else passes a tunnel
	case s.opt.Transport != Auto:
		return []Transport{s.opt.Transport}
	case s.known != nil:
		return []Transport{s.known.transport}
	case s.exposesDatagrams():
		return []Transport{TCP}
	}
	return []Transport{TCP, UDP}
}

// exposesDatagrams reports whether datagrams would be less safe than the URL asks
// for.
func (s *session) exposesDatagrams() bool { return s.url.Scheme == "rtsps" && !s.video.encrypted }

// setup sends SETUP, with another transport if the server refuses the first. The
// packets go to the receiver of the play that is on.
func (s *session) setup(ctx context.Context) error {
	if s.exposesDatagrams() && (s.opt.Transport == UDP || s.opt.Transport == Multicast) {
		return fmt.Errorf("%w: this rtsps server does not encrypt datagrams (SRTP): only TCP is safe", keyframe.ErrUnsupported)
	}

	var answer *base.Response
	var err error
	for _, t := range s.listTransports() {
		s.transport = t
		s.talk.setDatagrams(t != TCP)
		s.client.Protocol = new(protocols[t])
		if answer, err = s.setupControls(); !refusesTransport(err) {
			break
		}
	}
	if err != nil {
		return s.translateError(ctx, err)
	}

	s.announced = nil
	var h headers.Transport
	if h.Unmarshal(answer.Header["Transport"]) == nil {
		s.announced = h.SSRC
	}
	s.canReport = s.transport == TCP || hasReportPort(&h)
	s.client.OnPacketRTP(s.medium(), s.medium().Formats[0], func(p *rtp.Packet) {
		if r := s.receiver.Load(); r != nil {
			r.pushPacket(p)
		}
	})
	s.client.OnPacketRTCP(s.medium(), func(p rtcp.Packet) {
		bye, isBye := p.(*rtcp.Goodbye)
		if r := s.receiver.Load(); r != nil && isBye {
			r.noteGoodbye(bye.Sources)
		}
	})
	return nil
}

// setupControls sends SETUP for one after the other of the URLs that the track may
// have, until the server knows one.
func (s *session) setupControls() (answer *base.Response, err error) {
	for i, u := range s.controls {
		s.medium().Control = u.String()
		if answer, err = s.client.Setup((*base.URL)(s.aggregate), s.medium(), 0, 0); !refusesURL(err) {
			s.controls = s.controls[i : i+1]
			break
		}
	}
	return answer, err
}

// medium is the one that is played.
func (s *session) medium() *description.Media { return s.desc.Medias[0] }

// hasReportPort reports whether the answer to SETUP names a port for RTCP over UDP.
func hasReportPort(h *headers.Transport) bool {
	if h.Delivery != nil && *h.Delivery == headers.TransportDeliveryMulticast {
		return h.Ports != nil
	}
	return h.ServerPorts != nil && h.ServerPorts[0] > 1 && h.ServerPorts[1] > 1
}

// transportHint returns what to do about a refusal of the transport (status 461).
func (s *session) transportHint() string {
	proto := ""
	if s.video != nil {
		proto = s.sdp.media[s.video.index].proto
	}
	switch {
	case strings.Contains(proto, "SAVP") && s.url.Scheme != "rtsps":
		return "the server sends only encrypted media (" + oneLine(proto) + "), try rtsps://"
	case s.opt.Transport == Auto && proto != "" && proto != "RTP/AVP":
		return "the server sends only " + oneLine(proto) + ", kfgrab takes RTP/AVP: switch the profile in the server, or use its HLS stream"
	case s.opt.Transport == Auto && s.transport == UDP:
		return "the server sends neither over TCP nor over UDP, try multicast"
	}
	return "the server does not send over this transport, try another: auto, TCP, UDP or multicast"
}
