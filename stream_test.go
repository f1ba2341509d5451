package kfgrab_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	kfgrab "github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestCost: a snapshot's cost equals what the server measured, to the byte.
func TestCost(t *testing.T) {
	for _, name := range []string{"hls-ts", "hls-fmp4"} {
		server := serve(t, filepath.Dir(testmedia.Make(t, name)), nil)
		s := open(t, server.URL+"/index.m3u8", nil)
		for range 2 {
			snap, err := s.Grab(within(t, testTime))
			if err != nil {
				t.Fatal(err)
			}
			requests, down, up := server.took()
			if c := snap.Cost; c.Requests != len(requests) || c.Down != down || c.Up != up {
				t.Errorf("%s: cost %+v, the server saw %d requests, %d down, %d up", name, c, len(requests), down, up)
			}
		}
	}
}

// TestCostOrigin: the cost equals the bodies that the origin counts, and
// headers.
func TestCostOrigin(t *testing.T) {
	o := startOrigin(t)
	for _, kind := range []origin.Kind{origin.TS, origin.FMP4} {
		before := len(o.Requests())
		snap := grab(t, o.HLS(kind), nil)
		requests := o.Requests()[before:]
		var bodies int64
		for _, r := range requests {
			bodies += r.Bytes
		}
		n := int64(len(requests))
		if headers := snap.Cost.Down - bodies; snap.Cost.Requests != len(requests) || headers < 100*n || headers > 400*n {
			t.Errorf("%s: cost %+v; the origin sent bodies of %d bytes in %d answers", kind, snap.Cost, bodies, n)
		}
		if whole := o.SegmentSize(requests[len(requests)-1].Path); snap.Cost.Down > whole/2 || snap.SegmentSize != whole {
			t.Errorf("%s: %d bytes of a segment of %d, told as of %d", kind, snap.Cost.Down, whole, snap.SegmentSize)
		}
	}
}

// TestSpentDuringGrab: Spent may be called while a grab finds out what the URL is.
func TestSpentDuringGrab(t *testing.T) {
	o := startOrigin(t)
	for _, url := range []string{o.HLS(origin.TS), o.Media(origin.TS, 1), o.RTSP(keyframe.H264), testmedia.Make(t, "h264.ts")} {
		s := open(t, url, nil)
		done := make(chan error)
		go func() {
			_, err := s.Grab(within(t, testTime))
			done <- err
		}()
		var last kfgrab.Cost
		for grabbing := true; grabbing; {
			select {
			case err := <-done:
				grabbing = false
				if err != nil {
					t.Fatal(err)
				}
			default:
			}
			spent := s.Spent()
			if spent.Down < last.Down || spent.Requests < last.Requests {
				t.Fatalf("%s: %+v after %+v", s.URL(), spent, last)
			}
			last = spent
		}
	}
}

// TestStreamReuse: a stream reuses its connection and does not request again
// what it knows; Close closes the connection.
func TestStreamReuse(t *testing.T) {
	for _, name := range []string{"hls-ladder/master.m3u8", "hls-fmp4/index.m3u8", "h264.ts/h264.ts", "moov-last.mp4/moov-last.mp4"} {
		recipe, file, _ := strings.Cut(name, "/")
		server := serve(t, filepath.Dir(testmedia.Make(t, recipe)), nil)
		s := open(t, server.URL+"/"+file, nil)
		var costs []kfgrab.Cost
		for range 3 {
			snap, err := s.Grab(within(t, testTime))
			if err != nil {
				t.Fatal(err)
			}
			costs = append(costs, snap.Cost)
		}
		if n := server.count(http.StateNew); n != 1 {
			t.Errorf("%s: %d connections", name, n)
		}
		if strings.HasPrefix(name, "hls") && (costs[1].Down >= costs[0].Down || costs[1].Requests >= costs[0].Requests) || costs[2].Requests != costs[1].Requests {
			t.Errorf("%s: costs %+v", name, costs)
		}
		s.Close()
		server.Close() // waits for the idle connection to close
		if n := server.count(http.StateClosed); n != 1 {
			t.Errorf("%s: %d connections closed", name, n)
		}
	}
}

// TestStreamAfterError: a stream can be grabbed again once its server works.
func TestStreamAfterError(t *testing.T) {
	var mu sync.Mutex
	ill := true
	files := http.FileServer(http.Dir(filepath.Dir(testmedia.Make(t, "hls-ts"))))
	server := serve(t, "", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if ill {
			http.Error(w, "ill", http.StatusServiceUnavailable)
			return
		}
		files.ServeHTTP(w, r)
	}))
	for _, name := range []string{"/index.m3u8", "/seg0.ts"} {
		mu.Lock()
		ill = true
		mu.Unlock()
		s := open(t, server.URL+name, nil)
		if _, err := s.Keyframe(within(t, testTime)); kfgrab.ClassOf(err) != kfgrab.Network {
			t.Errorf("%s: %v", name, err)
		}
		mu.Lock()
		ill = false
		mu.Unlock()
		if _, err := s.Keyframe(within(t, testTime)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHeaders: the user's headers and credentials go to the stream's own origin
// and nowhere else.
func TestHeaders(t *testing.T) {
	dir := filepath.Dir(testmedia.Make(t, "hls-ts"))
	files := http.FileServer(http.Dir(dir))
	var mu sync.Mutex
	seen := map[string][]string{}
	note := func(server string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			user, password, _ := r.BasicAuth()
			seen[server] = append(seen[server], fmt.Sprintf("%s %s %s:%s", r.UserAgent(), r.Header.Get("Referer"), user, password))
			mu.Unlock()
			files.ServeHTTP(w, r)
		}
	}
	elsewhere := serve(t, "", note("elsewhere"))
	playlist := strings.ReplaceAll(string(read(t, filepath.Join(dir, "index.m3u8"))), "seg", elsewhere.URL+"/seg")
	home := serve(t, "", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		note("home")(discard{w}, r)
		w.Write([]byte(playlist))
	}))
	url := strings.Replace(home.URL, "http://", "http://somebody:s3cret@", 1) + "/index.m3u8"
	grab(t, url, &kfgrab.Options{UserAgent: "test/1", Header: http.Header{"referer": {"http://page/"}}})
	if want := "test/1 http://page/ somebody:s3cret"; !slices.Equal(seen["home"], []string{want}) {
		t.Errorf("home saw %q", seen["home"])
	}
	for _, got := range seen["elsewhere"] {
		if got != "test/1  :" {
			t.Errorf("elsewhere saw %q", got)
		}
	}
	if len(seen["elsewhere"]) == 0 {
		t.Error("elsewhere saw nothing")
	}
}

// discard drops the body of an answer.
type discard struct{ http.ResponseWriter }

func (discard) Header() http.Header         { return http.Header{} }
func (discard) WriteHeader(int)             {}
func (discard) Write(p []byte) (int, error) { return len(p), nil }

// TestParallel: many parallel streams do not affect each other.
func TestParallel(t *testing.T) {
	o := startOrigin(t)
	urls := []string{o.HLS(origin.TS), o.HLS(origin.FMP4), o.Media(origin.TS, 1), o.RTSP(keyframe.H264), testmedia.Make(t, "h264.ts")}
	heights := []int{360, 360, 240, 0, 360}
	ctx := within(t, testTime)
	var group sync.WaitGroup
	for i := range 20 {
		url, height := urls[i%len(urls)], heights[i%len(urls)]
		group.Go(func() {
			s, err := kfgrab.Open(url, nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			for range 2 {
				snap, err := s.Grab(ctx)
				if err != nil {
					t.Errorf("%s: %v", url, err)
					return
				}
				if height > 0 && snap.Frame.Info.Height != height {
					t.Errorf("%s: height %d, want %d", url, snap.Frame.Info.Height, height)
				}
			}
		})
	}
	group.Wait()
}
