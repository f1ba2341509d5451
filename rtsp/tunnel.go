package rtsp

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/kfgrab/kfgrab/keyframe"
)

// tunnel is what RTSP travels through.
type tunnel uint8

const (
	noTunnel tunnel = iota
	throughHTTP
	throughWebSocket
)

// openTunnel opens a connection, within a tunnel if the URL says so.
func (s *session) openTunnel(ctx context.Context, network, address string) (net.Conn, error) {
	switch s.tunnel {
	case throughHTTP:
		return s.openHTTPTunnel(ctx, network, address)
	case throughWebSocket:
		return s.openWebSocket(ctx, network, address)
	}
	return s.dialHop(ctx, network, address)
}

// openHTTPTunnel opens Apple's tunnel: two connections with HTTP requests that never
// end. What the server sends comes in the answer to a GET; what it is sent goes into
// the body of a POST, in Base64.
func (s *session) openHTTPTunnel(ctx context.Context, network, address string) (net.Conn, error) {
	down, err := s.dialHop(ctx, network, address)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { down.Close() })()

	t := &httpTunnel{Conn: down, in: bufio.NewReader(down)}
	cookie := rand.Text()
	head := s.url.RequestURI() + " HTTP/1.1\r\nHost: " + s.url.Host + "\r\nX-Sessioncookie: " + cookie + "\r\n"
	s.talk.addRoundTrip()
	_, err = fmt.Fprintf(down, "GET %sAccept: application/x-rtsp-tunnelled\r\n\r\n", head)
	if err == nil {
		err = s.readTunnelAnswer(t.in)
	}
	if err == nil {
		t.up, err = s.dialHop(ctx, network, address)
	}
	if err != nil {
		down.Close()
		return nil, err
	}

	// Some servers never answer a POST, so that nothing waits for it.
	const endless = 32 << 10
	if _, err := fmt.Fprintf(t.up, "POST %sContent-Type: application/x-rtsp-tunnelled\r\nContent-Length: %d\r\n\r\n", head, endless); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// readTunnelAnswer reads the answer to the GET of a tunnel.
func (s *session) readTunnelAnswer(in *bufio.Reader) error {
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		return describeTunnelError(err)
	}
	answer.Body.Close()
	return s.checkTunnelStatus(answer, http.StatusOK)
}

// checkTunnelStatus returns an error unless an answer has the wanted status.
func (s *session) checkTunnelStatus(answer *http.Response, wanted int) error {
	if answer.StatusCode == wanted {
		return nil
	}
	return s.statusError("GET", answer.StatusCode, http.StatusText(answer.StatusCode), "the server accepts no RTSP tunnel here")
}

// describeTunnelError replaces net/http's error about an answer that is not HTTP.
func describeTunnelError(err error) error {
	if strings.Contains(err.Error(), "malformed") {
		return fmt.Errorf("%w: this port does not speak HTTP, which the tunnel needs", keyframe.ErrUnsupported)
	}
	return err
}

// httpTunnel is one connection out of two.
type httpTunnel struct {
	net.Conn // on which the server sends
	in       *bufio.Reader
	up       net.Conn // on which it reads
}

func (t *httpTunnel) Read(p []byte) (int, error) { return t.in.Read(p) }

// Write sends b in Base64, whose padding ends it.
func (t *httpTunnel) Write(b []byte) (int, error) {
	if _, err := io.WriteString(t.up, base64.StdEncoding.EncodeToString(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// SetWriteDeadline sets that of the connection of the POST.
func (t *httpTunnel) SetWriteDeadline(end time.Time) error { return t.up.SetWriteDeadline(end) }

func (t *httpTunnel) Close() error {
	t.up.Close()
	return t.Conn.Close()
}

// openWebSocket opens ONVIF's tunnel through WebSocket.
func (s *session) openWebSocket(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := websocket.Dialer{Subprotocols: []string{"rtsp.onvif.org"}, NetDialContext: s.dialHop}
	s.talk.addRoundTrip()
	conn, answer, err := dialer.DialContext(ctx, "ws://"+address+"/", nil)
	switch {
	case err == nil:
		return &webSocket{Conn: conn.NetConn(), frames: conn}, nil
	case answer != nil && answer.StatusCode != http.StatusSwitchingProtocols:
		return nil, s.checkTunnelStatus(answer, http.StatusSwitchingProtocols)
	case answer != nil:
		return nil, fmt.Errorf("%w: the server accepts no RTSP tunnel through WebSocket here", keyframe.ErrUnsupported)
	}
	return nil, describeTunnelError(err)
}

// webSocket is a WebSocket connection as a stream of bytes.
type webSocket struct {
	net.Conn
	frames *websocket.Conn
	rest   io.Reader // of the message being read; nil between messages

	mu sync.Mutex // websocket.Conn has one writer at a time
}

func (w *webSocket) Read(p []byte) (int, error) {
	for {
		if w.rest == nil {
			var err error
			if _, w.rest, err = w.frames.NextReader(); err != nil {
				return 0, err
			}
		}
		n, err := w.rest.Read(p)
		if err == io.EOF {
			w.rest, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (w *webSocket) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.frames.WriteMessage(websocket.BinaryMessage, b); err != nil {
		return 0, err
	}
	return len(b), nil
}
