package main

import (
	"strings"
	"testing"
)

func TestSettings(t *testing.T) {
	for _, test := range []struct{ variable, value, text string }{
		{streamsVariable, "", ""},
		{streamsVariable, `{"a":{"url":"rtsp://me:s3cret@camera/1","width":640,"headers":null}}`, ""},
		{streamsVariable, `["rtsp://me:s3cret@camera/1"]`, `{"lobby"`},
		{streamsVariable, `{"a":"rtsp://me:s3cret@camera/1"}`, "a: "},
		{streamsVariable, `{"a":{"url":"rtsp://me:s3cret@camera/1"}`, "lobby"},
		{streamsVariable, `{"a":{}}`, `a "url"`},
		{streamsVariable, `{"a":{"url":"rtsp://me:s3cret@camera/1","stream":"b"}}`, `no "stream"`},
		{streamsVariable, `{"a":{"url":"rtsp://me:s3cret@camera/1","size":5}}`, `"size"`},
		{streamsVariable, `{"a":{"url":"rtsp://me:s3cret@camera/1","format":"gif"}}`, "gif"},
		{streamsVariable, `{"a":{"url":"ftp://me:s3cret@camera/1"}}`, "kfgrab reads"},
		{streamsVariable, `{"a/b":{"url":"rtsp://me:s3cret@camera/1"}}`, "invalid name"},
		{allowedVariable, "*.example.com 10.0.0.0/8", ""},
		{allowedVariable, "https://example.com", "invalid host"},
		{maxAgeVariable, "0", ""},
		{maxAgeVariable, "5s", "seconds"},
	} {
		_, err := readSettings(func(name string) string { return map[string]string{test.variable: test.value}[name] })
		switch {
		case err == nil && test.text != "":
			t.Errorf("%s: no error", test.value)
		case err == nil:
		case test.text == "" || !strings.Contains(err.Error(), test.text) || !strings.Contains(err.Error(), test.variable):
			t.Errorf("%s: %v", test.value, err)
		case strings.Contains(err.Error(), "s3cret"):
			t.Errorf("%s: %v contains the password", test.value, err)
		}
	}
}

func TestParseSink(t *testing.T) {
	for _, test := range []struct {
		text, prefix, template string
		latest                 bool
	}{
		{"s3://b", "", "{name}/{date}/{time}.{ext}", true},
		{"s3://b/shots/", "shots", "{name}/{date}/{time}.{ext}", true},
		{"s3://b/shots/lobby.jpg?region=eu-central-1", "", "shots/lobby.jpg", false},
		{"s3://b/{name}/{unix}.{ext}", "", "{name}/{unix}.{ext}", false},
	} {
		got, err := parseSink(test.text)
		if err != nil || got.location.Bucket != "b" || got.location.Prefix != test.prefix || got.options.Template.String() != test.template || got.options.NoLatest == test.latest {
			t.Errorf("%s: %+v, %v", test.text, got, err)
		}
	}
	for _, text := range []string{"", "shots", "s3://", "s3://me:s3cret@b/x", "s3://b/{x}", "s3://b/../x.jpg", "s3://b/x?y=1"} {
		if got, err := parseSink(text); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func TestCheck(t *testing.T) {
	if err := checkRuntime(func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), "make lambda") {
		t.Error(err)
	}
	if err := checkRuntime(func(string) string { return "127.0.0.1:9001" }); err != nil {
		t.Error(err)
	}
}
