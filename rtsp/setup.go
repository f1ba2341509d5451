package rtsp

import (
	"context"
	"errors"
	"fmt"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"github.com/kfgrab/kfgrab/keyframe"
)

var protocols = map[Transport]gortsplib.Protocol{
	TCP: gortsplib.ProtocolTCP, UDP: gortsplib.ProtocolUDP, Multicast: gortsplib.ProtocolUDPMulticast,
}

// transports lists what SETUP is tried with.
func (s *session) transports() []Transport {
	switch {
	case s.client.Tunnel != gortsplib.TunnelNone:
		return []Transport{TCP} // nothing else gets through
	case s.opt.Transport != Auto:
		return []Transport{s.opt.Transport}
	case s.known != nil:
		return []Transport{s.known.transport}
	case s.plainDatagrams():
		return []Transport{TCP}
	}
	return []Transport{TCP, UDP}
}

// plainDatagrams says whether datagrams would be less safe than the URL asks for.
func (s *session) plainDatagrams() bool { return s.url.Scheme == "rtsps" && !s.video.encrypted }

// setup sends SETUP, and has packets come to s.packet.
func (s *session) setup(ctx context.Context) error {
	if s.plainDatagrams() && (s.opt.Transport == UDP || s.opt.Transport == Multicast) {
		return fmt.Errorf("%w: over rtsps this server encrypts no datagrams (SRTP): only TCP is safe", keyframe.ErrUnsupported)
	}
	var answer *base.Response
	var err error
	for _, t := range s.transports() {
		s.transport = t
		s.client.Protocol = new(protocols[t])
		if answer, err = s.client.Setup(s.desc.BaseURL, s.medium(), 0, 0); !refusesTransport(err) {
			break
		}
	}
	if err != nil {
		return s.fail(ctx, err)
	}
	s.canReport = s.transport == TCP || reportPort(answer)
	s.client.OnPacketRTP(s.medium(), s.medium().Formats[0], s.packet)
	s.client.OnPacketRTCP(s.medium(), s.report)
	return nil
}

// refusesTransport says whether the server would rather have another one.
//
// UDP all the same: some servers that have no TCP do not refuse it with status
// 461, but answer with what they have.
func refusesTransport(err error) bool {
	var status liberrors.ErrClientBadStatusCode
	return errors.As(err, &status) && status.Code == base.StatusUnsupportedTransport ||
		errors.As(err, &liberrors.ErrClientServerRequestedUDP{})
}

// reportPort says whether SETUP told where RTCP goes to over UDP.
func reportPort(answer *base.Response) bool {
	var h headers.Transport
	if err := h.Unmarshal(answer.Header["Transport"]); err != nil {
		return false
	}
	if h.Delivery != nil && *h.Delivery == headers.TransportDeliveryMulticast {
		return h.Ports != nil
	}
	return h.ServerPorts != nil && h.ServerPorts[0] > 1 && h.ServerPorts[1] > 1
}
