package sink_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/kfgrab/kfgrab/internal/event"
	"github.com/kfgrab/kfgrab/internal/sink"
)

var taken = time.Date(2026, 3, 1, 14, 2, 3, 250e6, time.UTC)

// Store pictures in a directory, at most a thousand of each stream for a week,
// and send a webhook message for each.
func Example() {
	root, err := os.MkdirTemp("", "shots")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(root)
	const secret = "whsec_c2VjcmV0"
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := verifier.Verify(body, r.Header); err != nil {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer server.Close()

	dir, err := sink.OpenDir(root, &sink.DirOptions{Keep: sink.Retention{Age: 7 * 24 * time.Hour, Count: 1000}})
	if err != nil {
		log.Fatal(err)
	}
	defer dir.Close()
	hook, err := sink.NewWebhook(server.URL, &sink.WebhookOptions{Secret: secret})
	if err != nil {
		log.Fatal(err)
	}
	defer hook.Close()
	queue := sink.NewQueue(hook.Post, &sink.QueueOptions{Report: func(e event.Event, err error) {
		fmt.Println("sent", e.Stream, err)
	}})

	p := &sink.Picture{Stream: "front door", Time: time.Now(), Data: []byte("…"), ContentType: "image/jpeg", Extension: ".jpg"}
	file, err := dir.Put(context.Background(), p)
	if err != nil {
		log.Fatal(err)
	}
	queue.Notify(p.Event(file))
	if err := queue.Close(context.Background()); err != nil {
		log.Fatal(err)
	}
	latest, err := os.ReadFile(filepath.Join(root, "front door", "latest.jpg"))
	fmt.Println(string(latest), err)
	// Output:
	// sent front door <nil>
	// … <nil>
}

func ExampleParseTemplate() {
	t, err := sink.ParseTemplate("{year}/{month}/{name}-{unix}.{ext}", nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(t.Path(&sink.Picture{Stream: "yard/north", Time: taken, Extension: ".png"}))
	fmt.Println(sink.Template{}.Path(&sink.Picture{Stream: "yard/north", Time: taken, Extension: ".jpg"}))
	_, err = sink.ParseTemplate("../{name}/{time}.jpg", nil)
	fmt.Println(err)
	// Output:
	// 2026/03/yard%2Fnorth-1772373723.png
	// yard%2Fnorth/2026-03-01/140203.250Z.jpg
	// template "../{name}/{time}.jpg": an element of the path begins with a dot: ".."
}

func ExampleParseDestination() {
	for _, text := range []string{"shots", "-", "s3://bucket/shots?endpoint=http://store:9000&path-style=true"} {
		d, err := sink.ParseDestination(text)
		if err != nil {
			log.Fatal(err)
		}
		switch {
		case d.Tar:
			fmt.Println("a tar stream")
		case d.S3 != nil:
			fmt.Println("bucket", d.S3.Bucket, "at", d.S3.Endpoint)
		default:
			fmt.Println("directory", d.Dir)
		}
	}
	// Output:
	// directory shots
	// a tar stream
	// bucket bucket at store:9000
}

func ExampleTar() {
	var archive bytes.Buffer
	s := sink.NewTar(&archive, sink.Template{})
	p := &sink.Picture{Stream: "cam", Time: taken, Data: []byte("…"), Extension: ".jpg"}
	if _, err := s.Put(context.Background(), p); err != nil {
		log.Fatal(err)
	}
	if err := s.Close(); err != nil {
		log.Fatal(err)
	}
	h, err := tar.NewReader(&archive).Next()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(h.Name, h.ModTime.UTC().Format(time.RFC3339Nano))
	// Output: cam/2026-03-01/140203.250Z.jpg 2026-03-01T14:02:03.25Z
}

func ExampleExec() {
	x, err := sink.NewExec(`sh -c 'test "$KFGRAB_NAME" = cam && echo "$1: no room" >&2 && exit 1' sh {name}`, nil)
	if err != nil {
		log.Fatal(err)
	}
	err = x.Run(context.Background(), event.Event{Stream: "cam", File: "shots/cam/a.jpg", Time: taken})
	fmt.Println(err)
	_, err = sink.NewExec(`sh -c 'scp {file} host:'`, nil)
	fmt.Println(strings.SplitAfter(err.Error(), ": ")[1])
	// Output:
	// exec sh: exit status 1: cam: no room
	// a shell would run the value of {file} as part of its script:
}
