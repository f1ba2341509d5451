package origin

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"

	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	payloadType = 96                      // the first dynamic one (RFC 3551 6)
	unitTicks   = 90_000 / frameRate      // of the RTP clock, per access unit
	unitTime    = time.Second / frameRate // of the wall clock
)

// writeQueue holds the packets of a few keyframes for a slow viewer.
const writeQueue = 1024

// rtspPaths are the paths of the streams.
var rtspPaths = map[keyframe.Codec]string{keyframe.H264: "/live", keyframe.H265: "/h265"}

// rtspServer serves each stream to any number of viewers, only over TCP.
type rtspServer struct {
	server *gortsplib.Server
	paced  sync.WaitGroup
	stop   context.CancelFunc

	mu      sync.RWMutex
	streams map[string]*gortsplib.ServerStream // by path
}

func startRTSP(streams map[keyframe.Codec]stream) (*rtspServer, error) {
	s := &rtspServer{streams: map[string]*gortsplib.ServerStream{}}
	s.server = &gortsplib.Server{
		Handler:        s,
		RTSPAddress:    "127.0.0.1:0",
		WriteQueueSize: writeQueue,
		Listen:         func(_, address string) (net.Listener, error) { return net.Listen("tcp4", address) },
	}
	if err := s.server.Start(); err != nil {
		return nil, fmt.Errorf("origin: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop

	for codec, src := range streams {
		if err := s.startStream(ctx, codec, src); err != nil {
			s.close()
			return nil, fmt.Errorf("origin: %w", err)
		}
	}

	return s, nil
}

// packer is an encoder of gortsplib, which turns access units into RTP packets.
type packer interface {
	Encode(accessUnit [][]byte) ([]*rtp.Packet, error)
}

// startStream sends src at the path of its codec.
func (s *rtspServer) startStream(ctx context.Context, codec keyframe.Codec, src stream) error {
	f, p, err := newFormat(codec, src)
	if err != nil {
		return err
	}
	media := &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{f}}
	out := &gortsplib.ServerStream{Server: s.server, Desc: &description.Session{Medias: []*description.Media{media}}}
	if err := out.Initialize(); err != nil {
		return err
	}
	s.mu.Lock()
	s.streams[rtspPaths[codec]] = out
	s.mu.Unlock()
	s.paced.Go(func() {
		sendPaced(ctx, src.units, p, func(pkt *rtp.Packet) error { return out.WritePacketRTP(media, pkt) })
	})
	return nil
}

func newFormat(codec keyframe.Codec, src stream) (format.Format, packer, error) {
	if codec == keyframe.H265 {
		f := &format.H265{PayloadTyp: payloadType, VPS: src.vps, SPS: src.sps, PPS: src.pps}
		p, err := f.CreateEncoder()
		return f, p, err
	}
	f := &format.H264{PayloadTyp: payloadType, SPS: src.sps, PPS: src.pps, PacketizationMode: 1}
	p, err := f.CreateEncoder()
	return f, p, err
}

// sendPaced sends the units in a loop at their frame rate until ctx ends. Time stamps do not restart.
func sendPaced(ctx context.Context, units [][][]byte, p packer, send func(*rtp.Packet) error) {
	begun := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()

	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		packets, err := p.Encode(units[i%len(units)])
		if err != nil {
			return
		}
		for _, pkt := range packets {
			pkt.Timestamp = uint32(i * unitTicks)
			if send(pkt) != nil {
				return
			}
		}
		timer.Reset(time.Until(begun.Add(time.Duration(i+1) * unitTime)))
	}
}

func (s *rtspServer) streamURL(c keyframe.Codec) string {
	return "rtsp://" + s.server.NetListener().Addr().String() + rtspPaths[c]
}

func (s *rtspServer) close() {
	s.stop()
	s.paced.Wait()
	s.mu.Lock()
	for _, st := range s.streams {
		st.Close()
	}
	s.mu.Unlock()
	s.server.Close()
}

// findStream returns the stream at path, or 404.
func (s *rtspServer) findStream(path string) (*base.Response, *gortsplib.ServerStream, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st, ok := s.streams[path]
	if !ok {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, st, nil
}

// OnDescribe implements gortsplib.ServerHandlerOnDescribe.
func (s *rtspServer) OnDescribe(c *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return s.findStream(c.Path)
}

// OnSetup implements gortsplib.ServerHandlerOnSetup.
func (s *rtspServer) OnSetup(c *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return s.findStream(c.Path)
}

// OnPlay implements gortsplib.ServerHandlerOnPlay.
func (s *rtspServer) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnStreamWriteError keeps gortsplib from printing that a viewer is too slow. It then drops packets.
func (s *rtspServer) OnStreamWriteError(*gortsplib.ServerHandlerOnStreamWriteErrorCtx) {}

// OnDecodeError keeps gortsplib from printing invalid data of a viewer.
func (s *rtspServer) OnDecodeError(*gortsplib.ServerHandlerOnDecodeErrorCtx) {}
