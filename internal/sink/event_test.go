package sink

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kfgrab/kfgrab/internal/event"
)

// outage is an event of a stream whose server tries to be more than a reason.
func outage(kind event.Kind) event.Event {
	return event.Event{
		Kind: kind, Stream: "front door", Time: noon, URL: "rtsp://camera/stream",
		Since: noon.Add(-time.Minute), Failures: 3, Class: "network", Reason: `refused "; touch {file} $(id)`,
	}
}

// The command gets an outage's words and variables unchanged, and those of pictures empty.
func TestExecOutage(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	x := newExec(t, `sh -c 'for a in "$@" "$KFGRAB_EVENT" "$KFGRAB_REASON" "$KFGRAB_SINCE" "$KFGRAB_FILE$KFGRAB_SIZE$KFGRAB_MEDIA_TIME$KFGRAB_CONTENT_TYPE"; do echo "<$a>"; done >`+out+
		`' sh {event} {name} {time} {since} {failures} {class} {reason} {file}{size}`, nil)
	if err := x.Run(within(t, testTime), outage(event.Failing)); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	reason := `refused "; touch {file} $(id)`
	want := []string{
		"failing", "front door", "2026-03-01T12:00:00Z", "2026-03-01T11:59:00Z", "3", "network", reason, "",
		"failing", reason, "2026-03-01T11:59:00Z", "",
	}
	if diff := cmp.Diff("<"+strings.Join(want, ">\n<")+">\n", string(got)); diff != "" {
		t.Error(diff)
	}
}

// A command gets the documented variables and nothing else, whatever kfgrab was given.
func TestExecEnvironment(t *testing.T) {
	for _, name := range []string{"AWS_SECRET_ACCESS_KEY", "MINIO_ROOT_PASSWORD", "DOOR_PASSWORD", "KFGRAB_TOKEN", "SSH_AUTH_SOCK", "HTTPS_PROXY", "LD_PRELOAD_NOT", "lang"} {
		t.Setenv(name, "hush")
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("LANG", "C.UTF-8")
	t.Setenv("TMPDIR", home)

	for _, e := range []event.Event{nasty(), outage(event.Failing), outage(event.Recovered)} {
		out := filepath.Join(t.TempDir(), "out")
		if err := newExec(t, `sh -c 'env >"$1"' sh `+out, nil).Run(within(t, testTime), e); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "hush") {
			t.Errorf("%s", text)
		}
		var names []string
		for line := range strings.Lines(string(text)) {
			name, _, _ := strings.Cut(line, "=")
			if !slices.Contains([]string{"PWD", "OLDPWD", "SHLVL", "_"}, name) { // of the shell
				names = append(names, name)
			}
		}
		slices.Sort(names)
		want := []string{
			"HOME", "KFGRAB_CLASS", "KFGRAB_CONTENT_TYPE", "KFGRAB_EVENT", "KFGRAB_FAILURES", "KFGRAB_FILE", "KFGRAB_MEDIA_TIME",
			"KFGRAB_NAME", "KFGRAB_REASON", "KFGRAB_SINCE", "KFGRAB_SIZE", "KFGRAB_TIME", "KFGRAB_URL", "LANG", "PATH", "TMPDIR",
		}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("%s: %s", e.Kind, diff)
		}
		if !strings.Contains(string(text), "HOME="+home+"\n") || !strings.Contains(string(text), "LANG=C.UTF-8\n") {
			t.Errorf("%s", text)
		}
	}
}

// A command that nobody chose events for gets those that it has a use for.
func TestDefaultEvents(t *testing.T) {
	pictures, outages := []event.Kind{event.Picture}, []event.Kind{event.Failing, event.Recovered}
	for command, want := range map[string][]event.Kind{
		"rsync -a {file} backup:shots/":                      pictures,
		`sh -c 'cp "$KFGRAB_FILE" "/srv/www/a.jpg"'`:         pictures,
		"count {size} {content-type}":                        pictures,
		`sh -c 'echo "$KFGRAB_MEDIA_TIME $KFGRAB_NAME"'`:     pictures,
		"page {name} {reason}":                               outages,
		`sh -c 'mail -s "$KFGRAB_CLASS" me'`:                 outages,
		"note {since} {failures}":                            outages,
		"handle {event} {file}":                              event.Kinds,
		"handle {file} {reason}":                             event.Kinds,
		"handle":                                             event.Kinds,
		"handle {name} {time} {url}":                         event.Kinds,
		`sh -c 'case $KFGRAB_EVENT in failing) page;; esac'`: event.Kinds,
	} {
		if got := DefaultEvents(command); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", command, got, want)
		}
	}
}

// A webhook gets outages as it gets pictures: signed, and again after a failure.
func TestWebhookOutage(t *testing.T) {
	var bodies []map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		body := map[string]any{}
		if err = errors.Join(err, json.Unmarshal(data, &body)); err != nil || r.Header.Get(signatureHeader) == "" {
			t.Errorf("%s: %v, %v", data, err, r.Header)
		}
		if bodies = append(bodies, body); len(bodies) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	w := newWebhook(t, server.URL, &WebhookOptions{Secret: "hush"})
	if err := w.Post(within(t, testTime), outage(event.Recovered)); err != nil {
		t.Fatal(err)
	}
	if len(bodies) != 2 || bodies[0]["id"] != bodies[1]["id"] {
		t.Fatalf("%v", bodies)
	}
	delete(bodies[1], "id")
	want := map[string]any{
		"event": "recovered", "stream": "front door", "time": "2026-03-01T12:00:00Z", "url": "rtsp://camera/stream",
		"since": "2026-03-01T11:59:00Z", "failures": 3.0, "class": "network", "reason": `refused "; touch {file} $(id)`,
	}
	if diff := cmp.Diff(want, bodies[1]); diff != "" {
		t.Error(diff)
	}
}
