package kfgrab_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	kfgrab "github.com/kfgrab/kfgrab"
)

func TestOpenUsage(t *testing.T) {
	tests := []struct {
		name, url string
		opt       *kfgrab.Options
		text      string
	}{
		{"nothing", "", nil, "no URL"},
		{"no standard input", "-", nil, "standard input"},
		{"scheme", "ftp://somebody:s3cret@host/a.ts", nil, "kfgrab reads"},
		{"no host", "http:///a.m3u8?k=s3cret", nil, "no host"},
		{"port alone", "https://:443/a.m3u8", nil, "no host"},
		{"rtsp without host", "rtsp:///a", nil, "without a host"},
		{"reserved characters", "http://somebody:s3cret%zz@host/a", nil, "no valid URL"},
		{"reserved characters in RTSP", "rtsp://somebody:s3/cret#@host/a", nil, "no valid URL"},
		{"port", "rtsp://somebody:s3cret@host:port/a", nil, "no valid URL"},
		{"udp without port", "udp://239.1.1.1", nil, "udp://239.1.2.3:1234"},
		{"udp interface", "udp://239.1.1.1:1?iface=no-such", nil, "no-such"},
		{"size", "a.ts", &kfgrab.Options{Width: -1}, "negative"},
		{"bytes", "a.ts", &kfgrab.Options{MaxBytes: -1}, "negative"},
		{"program", "a.ts", &kfgrab.Options{Program: -1}, "negative"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := kfgrab.Open(tt.url, tt.opt)
			if s != nil || !errors.Is(err, kfgrab.ErrUsage) || kfgrab.ClassOf(err) != kfgrab.Usage {
				t.Fatalf("%v, %v", s, err)
			}
			clean(t, err, tt.text)
		})
	}
}

// clean checks that an error is one line that contains text and no secret.
func clean(t *testing.T, err error, text string) {
	t.Helper()
	msg := err.Error()
	if !strings.Contains(msg, text) || strings.ContainsAny(msg, "\n\r") || len(msg) > 1000 {
		t.Errorf("%q, want one line with %q", msg, text)
	}
	for _, secret := range []string{"s3cret", "s3/cret", "t0ken", "somebody"} {
		if strings.Contains(msg, secret) {
			t.Errorf("%q tells %q", msg, secret)
		}
	}
}

// TestErrors: whatever a server does, the error has the right class and no
// secret.
func TestErrors(t *testing.T) {
	text := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(s)) }
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	tests := []struct {
		name   string
		answer http.HandlerFunc
		class  kfgrab.Class
		text   string
	}{
		{"401", status(401), kfgrab.Unauthorised, "status 401"},
		{"403", status(403), kfgrab.Unauthorised, "status 403"},
		{"404", status(404), kfgrab.Network, "status 404"},
		{"410", status(410), kfgrab.Network, "status 410"},
		{"500", status(500), kfgrab.Network, "status 500"},
		{"HTML", text("<!doctype html><p>s3cret"), kfgrab.BadStream, "HTML"},
		{"nothing", text(""), kfgrab.BadStream, ""},
		{"no variant", text("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"mp4a.40.2\"\na?k=s3cret\n"), kfgrab.NoKeyframe, "only audio"},
		{"no segment", text("#EXTM3U\n#EXT-X-TARGETDURATION:2\n"), kfgrab.NoKeyframe, "no segment"},
		{"encrypted", text("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k?k=s3cret\"\n#EXTINF:1,\na\n"), kfgrab.BadStream, "a key has 16"},
		{"rights management", text("#EXTM3U\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://s3cret\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n#EXTINF:1,\na\n"), kfgrab.BadStream, "FairPlay"},
		{"unreadable URI", text("#EXTM3U\n#EXTINF:1,\nhttp://somebody:s3cret%zz@host/\n"), kfgrab.BadStream, "unreadable URI"},
		{"another scheme", text("#EXTM3U\n#EXTINF:1,\nftp://somebody:s3cret@host/\n"), kfgrab.BadStream, "ftp"},
		{"segment elsewhere", text("#EXTM3U\n#EXTINF:1,\nhttp://somebody:s3cret@127.0.0.1:1/a.ts?k=t0ken\n"), kfgrab.Network, "127.0.0.1:1/a.ts"},
		{"redirect nowhere", status(302), kfgrab.Network, "status 302"},
		{"redirect loop", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path+"?k=t0ken", http.StatusFound)
		}, kfgrab.Network, "redirect"},
		{"redirect to what is no URL", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Location"] = []string{"http://somebody:s3cret%zz@host/"}
			w.WriteHeader(302)
		}, kfgrab.Network, "malformed"},
		{"hung up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, kfgrab.Network, "closed the connection"},
	}
	for _, tt := range tests {
		for _, name := range []string{"live.m3u8", "live"} {
			t.Run(tt.name+", "+name, func(t *testing.T) {
				server := serve(t, "", tt.answer)
				url := strings.Replace(server.URL, "http://", "http://somebody:s3cret@", 1) + "/" + name + "?key=t0ken"
				_, err := kfgrab.Grab(within(t, testTime), url, nil)
				if err == nil || kfgrab.ClassOf(err) != tt.class {
					t.Fatalf("class %v, want %v: %v", kfgrab.ClassOf(err), tt.class, err)
				}
				clean(t, err, tt.text)
				clean(t, err, strings.TrimPrefix(server.URL, "http://")+"/"+name)
				s := open(t, url, nil)
				if _, err := s.Probe(within(t, testTime)); err != nil {
					clean(t, err, "")
				}
			})
		}
	}
}

// TestUnreachable: without a listener, a grab fails with class Network.
func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	for _, scheme := range []string{"http", "https", "rtsp", "rtsps"} {
		_, err := kfgrab.Grab(within(t, testTime), scheme+"://somebody:s3cret@"+addr+"/live?key=t0ken", nil)
		if kfgrab.ClassOf(err) != kfgrab.Network {
			t.Fatalf("%s: class %v: %v", scheme, kfgrab.ClassOf(err), err)
		}
		clean(t, err, "refused")
	}
}

var errStopped = errors.New("stopped by the test")

// TestMute: a grab leaves a server that accepts connections and never answers
// when its time is up or the caller cancels.
func TestMute(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // the kernel accepts connections
	for _, scheme := range []string{"http", "https", "rtsp", "rtsps"} {
		url := scheme + "://somebody:s3cret@" + l.Addr().String() + "/live?key=t0ken"
		_, err := kfgrab.Grab(within(t, 50*time.Millisecond), url, nil)
		if kfgrab.ClassOf(err) != kfgrab.Timeout || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: class %v: %v", scheme, kfgrab.ClassOf(err), err)
		}
		clean(t, err, l.Addr().String())

		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(10*time.Millisecond, func() { cancel(errStopped) })
		_, err = kfgrab.Grab(ctx, url, nil)
		if !errors.Is(err, errStopped) || kfgrab.ClassOf(err) != kfgrab.Other {
			t.Errorf("%s: class %v: %v", scheme, kfgrab.ClassOf(err), err)
		}
		clean(t, err, "stopped by the test")
	}
}

func TestFileErrors(t *testing.T) {
	dir := t.TempDir()
	for url, class := range map[string]kfgrab.Class{
		dir + "/none.ts":             kfgrab.Other,
		"file://" + dir + "/none.ts": kfgrab.Other,
		dir:                          kfgrab.Other,
	} {
		_, err := kfgrab.Grab(t.Context(), url, nil)
		if kfgrab.ClassOf(err) != class || err == nil {
			t.Errorf("%s: class %v: %v", url, kfgrab.ClassOf(err), err)
			continue
		}
		clean(t, err, dir)
	}
	_, err := kfgrab.Grab(t.Context(), "-", &kfgrab.Options{Stdin: strings.NewReader("")})
	if kfgrab.ClassOf(err) != kfgrab.BadStream {
		t.Errorf("empty pipe: %v", err)
	}
}
