package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/kfgrab/kfgrab/internal/origin"
)

const noDecoder = "no decoder to embed: make ffmpeg builds one"

// bundle returns the directory that Lambda runs: the unpacked zip that make
// lambda builds for this machine. scripts/ffmpeg.sh takes minutes; if it has
// built nothing yet, the program has no decoder embedded and uses this
// machine's.
func bundle(t testing.TB) (dir string, embedded bool) {
	t.Helper()
	dir = t.TempDir()
	ffmpeg := builtFFmpeg()
	if ffmpeg == "" {
		run(t, nil, "go", "build", "-C", "lambda", "-trimpath", "-tags", "lambda.norpc", "-o", filepath.Join(dir, "bootstrap"), ".")
		return dir, false
	}
	dist := t.TempDir()
	run(t, []string{"DIST=" + dist, "KFGRAB_FFMPEG_BUILD=" + ffmpeg}, "sh", "scripts/lambda.sh", runtime.GOARCH)
	unpack(t, filepath.Join(dist, "kfgrab-lambda-"+runtime.GOARCH+".zip"), dir)
	return dir, true
}

// builtFFmpeg returns the directory of the newest ffmpeg that scripts/ffmpeg.sh
// has built for this machine, or "".
func builtFFmpeg() string {
	cache, err := os.UserCacheDir()
	tools := filepath.Join(cache, "kfgrab-tools")
	if named := os.Getenv("KFGRAB_TOOLS"); named != "" {
		tools, err = named, nil
	}
	built, _ := filepath.Glob(filepath.Join(tools, "ffmpeg-*-"+runtime.GOARCH+"-*", "VERSION"))
	if err != nil || len(built) == 0 {
		return ""
	}
	newest := slices.MaxFunc(built, func(a, b string) int { return modified(a).Compare(modified(b)) })
	return filepath.Dir(newest)
}

func modified(file string) time.Time {
	state, err := os.Stat(file)
	if err != nil {
		return time.Time{}
	}
	return state.ModTime()
}

// run runs a command in the root of the tree.
func run(t testing.TB, env []string, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// unpack unpacks the zip and checks that it has what Lambda requires.
func unpack(t testing.TB, file, dir string) {
	t.Helper()
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		if err := os.WriteFile(filepath.Join(dir, f.Name), data, f.Mode()); err != nil {
			t.Fatal(err)
		}
		if f.Name == "bootstrap" && f.Mode() != 0o755 {
			t.Errorf("bootstrap has the mode %v", f.Mode())
		}
		if f.Name == "licences.txt" && !bytes.Contains(data, []byte("LESSER GENERAL PUBLIC LICENSE")) {
			t.Error("ffmpeg's licence is not among the licences")
		}
	}
	if slices.Sort(names); !slices.Equal(names, []string{"bootstrap", "licences.txt"}) {
		t.Errorf("the zip holds %q", names)
	}
}

// bucket starts an S3 server on loopback with a bucket "shots".
func bucket(t testing.TB) (b *s3mem.Backend, env []string) {
	t.Helper()
	b = s3mem.New()
	if err := b.CreateBucket("shots"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(b).Server())
	t.Cleanup(server.Close)
	return b, []string{"AWS_ENDPOINT_URL_S3=" + server.URL, "AWS_ACCESS_KEY_ID=ASIATEST", "AWS_SECRET_ACCESS_KEY=s3cret", "AWS_SESSION_TOKEN=s3cret", "AWS_REGION=eu-central-1"}
}

func object(t testing.TB, b *s3mem.Backend, key string) []byte {
	t.Helper()
	o, err := b.GetObject("shots", key, nil)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	defer o.Contents.Close()
	data, err := io.ReadAll(o.Contents)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestZip: the zip that make lambda builds works.
func TestZip(t *testing.T) {
	dir, embedded := bundle(t)
	if embedded {
		// It finds no ffmpeg but its own, and no place to write to.
		t.Run("embedded", func(t *testing.T) { answers(t, dir, "PATH=/nonexistent", "TMPDIR=/nonexistent") })
	} else {
		t.Run("embedded", func(t *testing.T) { t.Skip(noDecoder) })
		t.Run("without", func(t *testing.T) { answers(t, dir, "PATH="+os.Getenv("PATH")) })
	}
	t.Run("settings", func(t *testing.T) { settled(t, dir) })
}

// answers checks events and requests through Lambda's Runtime API, cold and warm.
func answers(t *testing.T, dir string, env ...string) {
	o := startOrigin(t)
	store, s3 := bucket(t)
	refused := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	secret := strings.Replace(refused, "://", "://me:s3cret@", 1) + "/live.m3u8"
	env = append(append(env, s3...),
		"KFGRAB_ALLOWED_HOSTS=127.0.0.1",
		"KFGRAB_STREAMS="+named(t, "lobby", map[string]any{"url": o.HLS(origin.FMP4), "width": 320}))
	p := start(t, dir, env...)

	event := encode(t, map[string]any{"url": o.HLS(origin.TS), "width": 320})
	var requests []int
	for range 3 {
		i := p.invoke(t, event, testTime)
		var a answer
		if err := json.Unmarshal(i.body, &a); err != nil || i.outcome != "response" {
			t.Fatalf("%s: %.300s: %v", i.outcome, i.body, err)
		}
		isPicture(t, a.Body, "jpeg", 320)
		requests = append(requests, a.Requests)
	}
	if requests[2] >= requests[0] || requests[2] > 2 {
		t.Errorf("requests for the pictures: %v", requests)
	}
	if n := len(p.children(t)); n != 1 {
		t.Errorf("%d decoders are kept", n)
	}

	i := p.invoke(t, encode(t, map[string]any{"stream": "lobby", "sink": "s3://shots/wall/{name}.{ext}?path-style=true"}), testTime)
	var a answer
	if err := json.Unmarshal(i.body, &a); err != nil || a.Location != "s3://shots/wall/lobby.jpg" || len(a.Body) > 0 {
		t.Errorf("%s: %.300s: %v", i.outcome, i.body, err)
	}
	isPicture(t, object(t, store, "wall/lobby.jpg"), "jpeg", 320)

	i = p.invoke(t, request(t, http.MethodGet, "/lobby.png", "width=160", nil), testTime)
	var r events.LambdaFunctionURLResponse
	if err := json.Unmarshal(i.body, &r); err != nil || r.StatusCode != 200 {
		t.Fatalf("%s: %.300s: %v", i.outcome, i.body, err)
	}
	isPicture(t, body(t, &r), "png", 160)
	i = p.invoke(t, request(t, http.MethodGet, "/", "url=http://169.254.169.254/latest/meta-data/", nil), testTime)
	if err := json.Unmarshal(i.body, &r); err != nil || r.StatusCode != 403 {
		t.Errorf("%s: %.300s: %v", i.outcome, i.body, err)
	}

	i = p.invoke(t, encode(t, map[string]any{"url": secret}), testTime)
	var e messages.InvokeResponse_Error
	if err := json.Unmarshal(i.body, &e); err != nil || i.outcome != "error" || e.Type != "unauthorised" {
		t.Errorf("%s: %.300s: %v", i.outcome, i.body, err)
	}
	if i = p.invoke(t, event, testTime); i.outcome != "response" {
		t.Errorf("after an error: %s: %.300s", i.outcome, i.body)
	}
	p.kill(t)
	output := p.output.String()
	if strings.Contains(output+string(i.body), "s3cret") {
		t.Errorf("a secret is in the log:\n%s", output)
	}
	for _, want := range []string{`"requestId":"request-1"`, `"outcome":"unauthorised"`, `"warm":true`} {
		if !strings.Contains(output, want) {
			t.Errorf("the log does not have %s:\n%s", want, output)
		}
	}
}

// settled checks that a function with wrong settings reports them and does not
// start.
func settled(t *testing.T, dir string) {
	for env, want := range map[string]string{"KFGRAB_STREAMS={": "KFGRAB_STREAMS", "": "make lambda"} {
		cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "bootstrap"))
		cmd.Env = []string{env}
		if env != "" {
			cmd.Env = append(cmd.Env, "AWS_LAMBDA_RUNTIME_API=127.0.0.1:1")
		}
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) || strings.Count(string(out), "\n") != 1 {
			t.Errorf("%s: %v: %s", env, err, out)
		}
	}
}
