package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"syscall"
	"time"

	"github.com/kfgrab/kfgrab/internal/sleep"
)

// peerClients are few because go2rtc starts an ffmpeg for each request.
const peerClients = 4

// comparePeers requests fresh pictures from kfgrab serve and, if it is installed, go2rtc.
// Both hold the stream open.
func (r *ServeResult) comparePeers(ctx context.Context) error {
	s, err := startService(ctx, r.Kfgrab, []string{"--warm", "live=" + r.RTSP})
	if err != nil {
		return err
	}
	_, err = s.fetchPath(ctx, served+"/snapshot.jpg")
	if err == nil {
		err = r.measurePeer(ctx, "RTSP 1280x720, fresh", s.address, served+"/snapshot.jpg?fresh=1")
	}

	s.stop()
	program := findGo2rtc()
	if err != nil || program == "" {
		return err
	}

	address, stop, err := r.startGo2rtc(ctx, program)
	if err != nil {
		return err
	}
	defer stop()
	return r.measurePeer(ctx, "the same, go2rtc's frame.jpeg", address, "/api/frame.jpeg?src=live")
}

func (r *ServeResult) measurePeer(ctx context.Context, name, address, path string) error {
	l, err := measureLoad(ctx, address, path, "", peerClients, r.For)
	if err == nil && l.Bytes == 0 {
		err = fmt.Errorf("status %d without a picture", l.Status)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	l.Name = fmt.Sprintf("%s, %d connections", name, peerClients)
	r.Loads = append(r.Loads, *l)
	return nil
}

func (r *ServeResult) startGo2rtc(ctx context.Context, program string) (address string, stop func(), err error) {
	if address, err = freeAddress(); err != nil {
		return "", nil, err
	}
	config, err := json.Marshal(map[string]any{
		"api": map[string]string{"listen": address}, "rtsp": map[string]string{"listen": ""}, "webrtc": map[string]string{"listen": ""},
		"log": map[string]string{"level": "error"}, "streams": map[string]string{"live": r.RTSP},
	})
	if err != nil {
		return "", nil, err
	}

	cmd := exec.CommandContext(ctx, program, "-config", string(config))
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
		cmd.Wait()                          //nolint:errcheck // it got a signal
	}

	if err := awaitListener(ctx, address); err != nil {
		stop()
		return "", nil, fmt.Errorf("go2rtc: %w", err)
	}
	return address, stop, nil
}

// freeAddress returns a free loopback address.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// awaitListener waits until a server listens at address.
func awaitListener(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			return c.Close()
		}
		if !sleep.For(ctx, 20*time.Millisecond) {
			return err
		}
	}
}
