package rtsp

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/internal/tlspin"
	"github.com/kfgrab/kfgrab/keyframe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTimeout ends a test that hangs.
const testTimeout = 20 * time.Second

func grab(t *testing.T, u *url.URL, o *Options) (*keyframe.Frame, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	s, err := New(u, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return s.Keyframe(ctx)
}

// mustGrab checks that the frame decodes to one of the keyframes of file.
func mustGrab(t *testing.T, u *url.URL, o *Options, file string) *keyframe.Frame {
	t.Helper()
	f, err := grab(t, u, o)
	if err != nil {
		t.Fatal(err)
	}
	checkPicture(t, f, file)
	return f
}

func checkPicture(t *testing.T, f *keyframe.Frame, file string) {
	t.Helper()
	sums := frameSums(t, nil, "-skip_frame", "nokey", "-i", file)
	got := frameSums(t, f.Data, "-f", f.Codec.String(), "-i", "pipe:0")
	if len(got) != 1 || !sums[keyOf(got)] {
		t.Errorf("the frame decodes to %v, want one of %v", got, sums)
	}
}

func keyOf(m map[string]bool) string {
	for k := range m {
		return k
	}
	return ""
}

// frameSums decodes the input that ffmpeg's options name, and returns the
// checksums of the pictures.
func frameSums(t *testing.T, stdin []byte, input ...string) map[string]bool {
	t.Helper()
	args := append([]string{"-nostdin", "-v", "error"}, input...)
	cmd := exec.Command("ffmpeg", append(args, "-fps_mode", "passthrough", "-f", "framemd5", "-")...)
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	sums := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 6 && f[0] == "0," {
			sums[f[5]] = true
		}
	}
	return sums
}

var streams = []struct {
	file, codec string
	want        keyframe.Codec
}{
	{"live.264", "h264", keyframe.H264},
	{"live-slices.264", "h264", keyframe.H264},
	{"live.265", "h265", keyframe.H265},
}

func TestGStreamer(t *testing.T) {
	for _, st := range streams {
		t.Run(st.file, func(t *testing.T) {
			t.Parallel()
			file := testmedia.Make(t, st.file)
			srv := testserver.GStreamer{File: file, Codec: st.codec, Audio: true}.Start(t)
			var told keyframe.Codec
			s, err := New(srv.URL("/live"), &Options{OnCodec: func(c keyframe.Codec) { told = c }})
			if err != nil {
				t.Fatal(err)
			}
			var f *keyframe.Frame
			grabsOf(t, s, 1, func(got *keyframe.Frame) { f = got })
			checkPicture(t, f, file)
			if told != st.want || f.Codec != st.want || f.Info.Width != 640 || f.Info.Height != 360 {
				t.Errorf("told %v, got %v of %dx%d", told, f.Codec, f.Info.Width, f.Info.Height)
			}
			if down, up, requests := s.Traffic(); requests != 5 || up == 0 || down < int64(len(f.Data)) {
				t.Errorf("%d requests, %d bytes up, %d down; want five requests and more than %d bytes down", requests, up, down, len(f.Data))
			}
			lines := strings.Join(srv.Await(t, "closed"), "\n")
			if n := strings.Count(lines, "request SETUP"); n != 1 || !strings.Contains(lines, "SETUP /live/stream=0") {
				t.Errorf("want the video track set up, and no other:\n%s", lines)
			}
			logTeardown(t, lines, "request TEARDOWN")
		})
	}
}

// logTeardown logs whether the server read TEARDOWN. The client reads nothing
// after sending it, so the server's next write may fail before it reads the
// request.
func logTeardown(t *testing.T, lines, text string) {
	t.Helper()
	t.Logf("TEARDOWN was read before the connection broke: %v", strings.Contains(lines, text))
}

func TestGStreamerAccess(t *testing.T) {
	file := testmedia.Make(t, "live.264")
	for _, c := range []struct {
		name   string
		server testserver.GStreamer
	}{
		{"basic", testserver.GStreamer{}},
		{"digest", testserver.GStreamer{Digest: true}},
		{"digest and TLS", testserver.GStreamer{Digest: true, TLS: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.server.File, c.server.Codec = file, "h264"
			c.server.User, c.server.Password = "cam era", "p@ss:w/rd?%"
			checkAccess(t, c.server.Start(t), "/live", file)
		})
	}
}

func TestMediaMTX(t *testing.T) {
	for _, st := range streams {
		t.Run(st.file, func(t *testing.T) {
			t.Parallel()
			srv := testserver.MediaMTX{}.Start(t)
			file := testmedia.Make(t, st.file)
			srv.Publish(t, file, "/cam")
			f := mustGrab(t, srv.URL("/cam"), nil, file)
			if f.Codec != st.want {
				t.Errorf("codec %v", f.Codec)
			}
			logTeardown(t, strings.Join(srv.Await(t, "destroyed: "), "\n"), "torn down by")
		})
	}
}

func TestMediaMTXAccess(t *testing.T) {
	file := testmedia.Make(t, "live.264")
	for _, c := range []struct {
		name   string
		server testserver.MediaMTX
	}{
		{"basic", testserver.MediaMTX{}},
		{"digest and TLS", testserver.MediaMTX{Digest: true, TLS: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.server.User, c.server.Password = "viewer", "Pass-word_1"
			srv := c.server.Start(t)
			srv.Publish(t, file, "/cam")
			checkAccess(t, srv, "/cam", file)
		})
	}
}

// checkAccess grabs with the right password. It also checks the refusals for a
// wrong one, for none, for an unknown path, and for an unknown certificate.
func checkAccess(t *testing.T, srv *testserver.RTSP, path, file string) {
	u := srv.URL(path)
	password, _ := u.User.Password()
	o := &Options{RootCAs: srv.Roots}
	mustGrab(t, u, o, file)

	missing := srv.URL("/nothing-here")
	wrong, none := *u, *u
	wrong.User, none.User = url.UserPassword(u.User.Username(), password+"x"), nil
	for _, c := range []struct {
		u    *url.URL
		code int
		text string
	}{
		{&wrong, 401, "does not accept"},
		{&none, 401, "give user name and password"},
		{missing, 404, "no stream of this path"},
	} {
		_, err := grab(t, c.u, o)
		var status *StatusError
		if !errors.As(err, &status) || status.Code != c.code || !strings.Contains(err.Error(), c.text) {
			t.Errorf("got %v, want status %d and %q", err, c.code, c.text)
			continue
		}
		if strings.Contains(err.Error()+status.URL, password) || strings.Contains(status.URL, u.User.Username()) {
			t.Errorf("credentials in %v, %s", err, status.URL)
		}
	}
	if u.Scheme == "rtsps" {
		checkCertificates(t, u, file)
	}
}

func checkCertificates(t *testing.T, u *url.URL, file string) {
	t.Helper()
	mustGrab(t, u, &Options{InsecureTLS: true}, file)
	_, err := grab(t, u, nil)
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) || !strings.Contains(err.Error(), "self-signed") || strings.Contains(err.Error(), "--insecure") {
		t.Errorf("with no reason to trust the certificate: %v", err)
	}
	sum := sha256.Sum256(unknown.Cert.Raw)
	mustGrab(t, u, &Options{TLSFingerprint: sum[:]}, file)
	sum[0] ^= 1
	var pinned *tlspin.Error
	if _, err := grab(t, u, &Options{TLSFingerprint: sum[:], InsecureTLS: true}); !errors.As(err, &pinned) {
		t.Errorf("with the fingerprint of another certificate: %v", err)
	}
}

func TestDescribe(t *testing.T) {
	file := testmedia.Make(t, "live.265")
	srv := testserver.GStreamer{File: file, Codec: "h265", Audio: true}.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	s, err := New(srv.URL("/live"), nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Describe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if d.Codec != keyframe.H265 || d.Info.Width != 640 || d.Info.Height != 360 || len(d.Tracks) != 2 {
		t.Errorf("described as %+v", d)
	}
	want := keyframe.Track{ID: 1, Type: "audio", Codec: "pcm_alaw", SampleRate: 8000, Channels: 1}
	if got := s.Tracks(); len(got) != 2 || got[0].Codec != "hevc" || got[1] != want {
		t.Errorf("tracks %+v", got)
	}
	for _, line := range srv.Await(t, "closed") {
		if strings.Contains(line, "SETUP") {
			t.Error(line)
		}
	}
}
