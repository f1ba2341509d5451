package config

import (
	"fmt"
	"strings"
	"testing"
)

// stream adds lines to a complete stream.
func stream(lines ...string) string {
	return "streams:\n  - name: cam\n    url: rtsp://camera/\n    " + strings.Join(lines, "\n    ") + "\n"
}

// TestErrors: errors name line and column, the key, and valid values.
func TestErrors(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "the file is empty: it needs streams, each with a name and a url"},
		{"comment", "# nothing\n", "the file is empty: it needs streams, each with a name and a url"},
		{"scalar", "cameras\n", "1:1: the file: must have keys and values"},
		{"no streams", "limits: {total: 1}\n", "1:1: the file has no streams: it needs a list of them, each with a name and a url"},
		{"no list", "streams:\n  cam: rtsp://x/\n", "2:3: streams: must be a list, each with a name and a url"},
		{"no mapping", "streams:\n  - rtsp://me:hush@camera/\n", "2:5: a stream must have keys and values, such as name and url"},
		{"no name", "streams:\n  - url: rtsp://camera/\n", "2:5: the stream has no name"},
		{"no url", "streams:\n  - name: cam\n", "2:5: the stream has no url"},
		{"name", "streams:\n  - name: a/b\n    url: rtsp://camera/\n", `2:11: name: a name may contain letters, digits, spaces and -_., not '/'`},
		{"dots", "streams:\n  - name: ..\n    url: rtsp://camera/\n", "2:11: name: a name must begin with a letter or a digit"},
		{"names", stream() + "  - name: CAM\n    url: rtsp://other/\n", `5:5: name: "CAM" is the name of the stream in line 2, too`},

		{"key", stream("widht: 640"), "4:5: widht: unknown key in a stream; did you mean width?"},
		{"key of the command", stream("max-bytes: 1M"), "4:5: max-bytes: unknown key in a stream; did you mean max_bytes?"},
		{"key of a sink", stream("dir: shots"), "4:5: dir: unknown key in a stream; it belongs to sinks: [{dir: shots}]"},
		{"flag of another name", stream("keep_for: 30d"), "4:5: keep_for: unknown key in a stream; it belongs to retention, as age"},
		{"key of nothing", stream("retention: {wibbledywobble: 1}"), "4:17: wibbledywobble: unknown key in retention; known keys are age, bytes, count"},
		{"key twice", stream("width: 640", "width: 320"), "5:5: width appears twice: first in line 4"},
		{"key of the file", "stream: []\nstreams: []\n", "1:1: stream: unknown key in the file; did you mean streams?\n2:10: streams: must be a list, each with a name and a url"},
		{"key that is a URL", stream("\"rtsp://me:hush@camera/\": 1"), "4:5: this: unknown key in a stream"},
		{"name in defaults", "defaults: {name: x}\n" + stream(), "1:18: name: cannot be a default: each stream has its own"},

		{"no value", stream("width:"), "4:11: width: has no value"},
		{"list", stream("width: [640]"), "4:12: width: must be one value"},
		{"number", stream("width: wide"), `4:12: width: "wide" is not a whole number`},
		{"bounds", stream("quality: 101"), "4:14: quality: 101 is out of range: want 1 to 100"},
		{"interval", stream("every: 0.3"), "4:12: every: 0.3 is out of range: want 1s to 366d"},
		{"short", stream("every: 10ms"), "4:12: every: 10ms is out of range: want 1s to 366d"},
		{"time", stream("timeout: soon"), `4:14: timeout: "soon" is not a time; write 20, 20s, 1m30s or 00:01:30`},
		{"cron", stream(`cron: "61 * * * *"`), `4:11: cron: invalid cron line "61 * * * *": `},
		{"cron without quotes", stream("cron: */5 * * * *"), "; put a value that begins with * in quotes"},
		{"cron of words", stream("cron: @hourly"), "; put a value that begins with @ in quotes"},
		{"both", stream("every: 5m", `cron: "* * * * *"`), "5:5: cron: a stream has every, too: keep one of them"},
		{"zone", stream(`cron: "* * * * *"`, "time_zone: Mars"), `5:16: time_zone: unknown time zone "Mars"`},
		{"spread", stream("every: 5m", "spread: 10m"), "2:5: the spread of 10m0s is longer than the interval of 5m0s"},
		{"yes", stream("overlay: yes"), `4:14: overlay: "yes" is neither true nor false`},
		{"size", stream("max_bytes: 1T"), `4:16: max_bytes: "1T" is not a number of bytes; write 500k or 32M`},
		{"format", stream("format: gif"), `4:13: format: unknown format "gif": want jpeg, png, webp, rgb24, bgr24, annexb or mp4`},
		{"overlay of mp4", stream("format: mp4", "overlay: true"), "4:5: an overlay needs jpeg or png, not mp4"},
		{"tiles of RTSP", stream("allow_tiles: true"), "4:5: allow_tiles: only HLS has ready-made tiles"},
		{"tiles of mp4", "streams:\n  - name: cam\n    url: http://camera/\n    format: mp4\n    allow_tiles: true\n", "5:5: allow_tiles: mp4 holds a keyframe, which a tile is not"},
		{"mode", stream("mode: warm_up"), `4:11: mode: unknown mode "warm_up": want on_demand, scheduled, warm`},
		{"scheduled", stream("mode: scheduled"), "4:5: mode: scheduled needs every or cron"},
		{"change", stream("on_change: 65"), `4:16: on_change: "65" is neither true nor false, nor a number of bits from 1 to 64`},
		{"skip", stream("skip_black: 101"), `4:17: skip_black: "101" is neither true nor false, nor a number of keyframes from 1 to 100`},
		{"retention", stream("retention: 30d"), "4:16: retention: must have keys and values"},
		{"age", stream("retention: {age: 1s}"), "4:22: age: 1s is out of range: want 1m to 36500d"},
		{"URL in a number", stream("width: rtsp://me:hush@camera/"), "4:12: width: must not be a URL"},
		{"authorities", stream("ca: /nowhere/ca.pem"), "4:9: ca: file /nowhere/ca.pem: file does not exist"},
		{"fingerprint", stream("tls_fingerprint: ab:cd"), "4:22: tls_fingerprint: a SHA-256 fingerprint has 32 pairs of hexadecimal digits"},

		{"scheme", "streams:\n  - name: cam\n    url: gopher://me:hush@camera/\n", "3:5: url: "},
		{"stdin", "streams:\n  - {name: cam, url: \"-\"}\n", "2:17: url: standard input can be read only once; give a URL or a file"},
		{"password in a URL", "streams:\n  - name: cam\n    url: rtsp://me:hu%sh@camera/\n", "3:5: url: rtsp://xxxxx@camera/ is no valid URL"},
		{"variable", stream("headers: {X-Key: \"${NOBODY}\"}"), "4:22: X-Key: the environment has no variable NOBODY"},
		{"empty variable", stream("headers: {X-Key: \"${NOTHING}\"}"), "4:22: X-Key: NOTHING is empty"},
		{"file", stream("headers: {X-Key: file:/nowhere}"), "4:22: X-Key: file /nowhere: file does not exist"},
		{"proxy", stream("proxy: ftp://proxy:21"), "4:12: proxy: a proxy has the scheme http, https, socks5 or socks5h"},
		{"dollar", stream("user_agent: $HOME"), "4:17: user_agent: a $ must begin ${NAME} or ${file:PATH}; write $$ for a dollar sign"},
		{"open", stream("user_agent: ${HOME"), "4:17: user_agent: a $ must begin ${NAME}"},
		{"line in a header", stream("headers: {X-Key: \"${LINES}\"}"), "4:22: X-Key: a header must be one line of printable characters"},
		{"header's name", stream("headers: {\"X Key\": a}"), "4:15: headers: invalid name of a header"},
		{"filled in URL", "streams:\n  - name: cam\n    url: ${HUSH}\n    at: x\n", "4:9: at: "},
		{"credentials twice", stream("credentials: {user: me}") + "  - name: two\n    url: rtsp://me@camera/\n    credentials: {user: me}\n", "7:5: credentials: the url has credentials, too: keep one of them"},
		{"password alone", stream("credentials: {password: hush}"), "4:5: credentials: a password needs a user"},
		{"credentials of a file", "streams:\n  - {name: cam, url: film.mp4, credentials: {user: me}}\n", "2:32: credentials: the url cannot have credentials"},

		{"sinks", stream("sinks: shots"), "4:12: sinks: must be a list of at most 20"},
		{"sink", stream("sinks: [ftp://host/]"), "4:13: sinks: cannot store pictures at ftp://"},
		{"sink of two", stream("sinks: [{dir: a, exec: b}]"), "4:13: a sink must have one of dir, s3, exec and webhook"},
		{"sink of none", stream("sinks: [{template: \"{unix}\"}]"), "4:13: a sink must have one of dir, s3, exec and webhook"},
		{"key of another sink", stream("sinks: [{exec: a, secret: b}]"), "4:23: secret: does not apply to exec"},
		{"template", stream("sinks: [{dir: a, template: \"{name}.{ext}\"}]"), `4:32: template: template "{name}.{ext}" needs date and time to the second`},
		{"latest", stream("sinks: [{dir: a, latest: \"{time}\"}]"), `4:30: latest: template "{time}" needs {name}`},
		{"bucket", stream("sinks: [{s3: \"s3://key:hush@bucket\"}]"), "4:18: s3: s3: the URL must not contain credentials"},
		{"webhook", stream("sinks: [{webhook: \"ftp://me:hush@host/\"}]"), "4:23: webhook: must be an http or https URL"},
		{"command", stream("sinks: [{exec: no-such-program-here}]"), "4:20: exec: no-such-program-here: executable file not found in $PATH"},

		{"YAML: indentation", "streams:\n  - name: a\n   url: b\n", "3: YAML: did not find expected '-' indicator"},
		{"YAML: tab", "streams:\n\t- name: a\n", "2: YAML: found character"},
		{"YAML: bracket", "limits: {total: 1\nstreams: []\n", "1: YAML: "},
		{"YAML: quote", stream("user_agent: \"hush"), "4: YAML: found unexpected end of stream"},
		{"two documents", stream() + "---\n" + stream(), "6:1: a second document"},
		{"tag", stream("width: !!int 640"), "4:12: tags have no meaning here"},
		{"alias", stream("headers: *h"), "4: no anchor of that name comes before this alias"},
		{"YAML: list after a whole one", "a: [1,\n  2]\nb:\n  - c\n d: e\n", "5: YAML: "},
		{"merge", "defaults:\n  <<: 5\n" + stream(), "<< takes a mapping, such as *name"},
		{"header twice", stream("headers: {X-Key: a,", "  x-key: b}"), "5:7: headers: x-key appears twice: first in line 4"},
		{"own alias", "defaults: &a\n  headers: *a\n" + stream(), "an alias within its own anchor"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("cams.yaml", []byte(tt.text), lookup(map[string]string{"NOTHING": "", "LINES": "hush\nhush", "HUSH": "rtsp://camera/hush"}))
			if err == nil {
				t.Fatal("it was taken")
			}
			got := strings.ReplaceAll(strings.ReplaceAll(err.Error(), "cams.yaml:", ""), " \n", "\n")
			if !strings.Contains(strings.TrimSpace(got), tt.want) {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
			if strings.Contains(got, "hush") {
				t.Errorf("the secret is told: %s", got)
			}
		})
	}
}

func TestErrorsAreToldAtOnce(t *testing.T) {
	var text strings.Builder
	text.WriteString("streams:\n")
	for i := range 30 {
		fmt.Fprintf(&text, "  - name: cam%d\n    url: rtsp://camera/%d\n    width: wide\n", i, i)
	}
	_, err := Parse("cams.yaml", []byte(text.String()), Lookup{})
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != maxErrors+1 || lines[maxErrors] != "cams.yaml: and 10 more" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
	for i, line := range lines[:maxErrors] {
		if want := fmt.Sprintf("cams.yaml:%d:", 4+3*i); !strings.HasPrefix(line, want) {
			t.Errorf("%s, want %s", line, want)
		}
	}
}

// TestBounds: files that grow by their aliases, or never close their brackets,
// are refused.
func TestBounds(t *testing.T) {
	lol := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		lol += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 10), ","))
	}
	for name, tt := range map[string]struct{ text, want string }{
		"aliases":  {lol, "each use of an alias counted"},
		"brackets": {strings.Repeat("[", maxFile), "open brackets"},
		"dashes":   {strings.Repeat("- ", maxFile/2), "dashes in a line"},
		"lists":    {strings.Repeat("- ", 50), "levels of nesting"},
		"maps":     {strings.Repeat("{a: ", 50) + strings.Repeat("}", 50), "levels of nesting"},
		"lines":    {strings.Repeat("-\n", maxFile/2), "100000 lines"},
		"size":     {strings.Repeat("#", maxFile+1), "more than 1048576 bytes"},
		"streams":  {"streams:\n" + strings.Repeat("  - {}\n", MaxStreams+1), "more than 10000"},
	} {
		_, err := Parse("cams.yaml", []byte(tt.text), Lookup{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %.200v, want %q in it", name, err, tt.want)
		}
	}
}
