package sink

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kfgrab/kfgrab/internal/event"
)

func TestSplitWords(t *testing.T) {
	for command, want := range map[string][]string{
		"":                             nil,
		" cp  {file}\t/tmp\n":          {"cp", "{file}", "/tmp"},
		`a 'b c' "d e" f\ g ''`:        {"a", "b c", "d e", "f g", ""},
		`a'b'"c"d`:                     {"abcd"},
		`sh -c 'x "$KFGRAB_FILE" | y'`: {"sh", "-c", `x "$KFGRAB_FILE" | y`},
		`"a\"b\\c\d"`:                  {`a"b\c\d`},
		`'a\'`:                         {`a\`},
		`\$x a~b a#b`:                  {"$x", "a~b", "a#b"},
	} {
		got, err := splitWords(command)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", command, err, diff)
		}
	}
	for command, want := range map[string]string{
		"a 'b":      "unclosed quote '",
		`a "b`:      `unclosed quote "`,
		`a \`:       "backslash",
		"a | b":     `'|' needs a shell`,
		"a > b":     `'>'`,
		"a; b":      `';'`,
		"a $HOME":   `'$'`,
		`a "$HOME"`: `'$'`,
		"a `id`":    "'`'",
		"~/bin/a":   `'~'`,
		"a *.jpg":   `'*'`,
	} {
		if _, err := splitWords(command); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", command, err, want)
		}
	}
}

func TestExecRefused(t *testing.T) {
	for command, want := range map[string]string{
		"":                            "no command",
		"true {flie}":                 "unknown placeholder {flie}; known are {event}, {name}",
		"{file}":                      "program must not be",
		"no-such-program-here {file}": "no-such-program-here: executable file not found",
		"sh -c 'cp {file} /tmp'":      `a shell would run the value of {file}`,
		"env A=b bash -ec 'x {name}'": `value of {name}`,
		"a 'b":                        "unclosed",
	} {
		if _, err := NewExec(command, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", command, err, want)
		}
	}
	for _, command := range []string{"sh -c 'cp \"$1\" /tmp' sh {file}", "env true {name}{time}{media-time}{url}{content-type}{size}"} {
		if _, err := NewExec(command, nil); err != nil {
			t.Errorf("%s: %v", command, err)
		}
	}
}

func newExec(t *testing.T, command string, o *ExecOptions) *Exec {
	t.Helper()
	x, err := NewExec(command, o)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// nasty is an event of a stream whose name tries to be more than a name.
func nasty() event.Event {
	p := shot(250*time.Millisecond, "picture")
	p.Stream = `-rf "; touch {file} $(id)`
	return p.Event("shots/a b.jpg")
}

// The command gets words and variables unchanged.
func TestExecArguments(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	x := newExec(t, `sh -c 'for a in "$@" "$KFGRAB_FILE" "$KFGRAB_NAME" "$KFGRAB_TIME" "$KFGRAB_MEDIA_TIME" "$KFGRAB_URL" "$KFGRAB_SIZE"; do echo "<$a>"; done >`+out+
		`' sh {file} {name} at={time} {media-time} {url} {content-type},{size}`, nil)
	if err := x.Run(within(t, testTime), nasty()); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	file, err := filepath.Abs("shots/a b.jpg")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		file, `%2Drf %22%3B touch %7Bfile%7D %24(id)`, "at=2026-03-01T12:00:00.25Z", "", "rtsp://xxxxx@camera/stream", "image/jpeg,7",
		file, `-rf "; touch {file} $(id)`, "2026-03-01T12:00:00.25Z", "", "rtsp://xxxxx@camera/stream", "7",
	}
	if diff := cmp.Diff("<"+strings.Join(want, ">\n<")+">\n", string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestExecKeepsURLs(t *testing.T) {
	x := newExec(t, `sh -c 'test "$1" = s3://b/k.jpg' sh {file}`, nil)
	if err := x.Run(within(t, testTime), event.Event{File: "s3://b/k.jpg"}); err != nil {
		t.Error(err)
	}
}

func TestExecFails(t *testing.T) {
	x := newExec(t, `sh -c 'seq 100000; echo "no room" >&2; exit 3'`, nil)
	err := x.Run(within(t, testTime), nasty())
	if err == nil || err.Error() != "exec sh: exit status 3: no room" {
		t.Error(err)
	}
}

func TestTail(t *testing.T) {
	var tl tail
	for n := range 10000 {
		fmt.Fprintf(&tl, "line %d\n", n)
	}
	if len(tl.kept) > maxOutput || tl.lastLine() != "line 9999" {
		t.Errorf("%d bytes, %q", len(tl.kept), tl.lastLine())
	}
	tl.Write(make([]byte, 3*maxOutput))
	if len(tl.kept) != maxOutput {
		t.Errorf("%d bytes", len(tl.kept))
	}
}
