package sink

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseDestination(t *testing.T) {
	for text, want := range map[string]Destination{
		"shots":             {Dir: "shots"},
		"/var/lib/a b":      {Dir: "/var/lib/a b"},
		"-":                 {Tar: true},
		"s3://bucket":       {S3: &S3Location{Bucket: "bucket"}},
		"s3://bucket/a/b/":  {S3: &S3Location{Bucket: "bucket", Prefix: "a/b"}},
		"s3://b?region=x-1": {S3: &S3Location{Bucket: "b", Region: "x-1"}},
		"s3://b/p?endpoint=http://127.0.0.1:9000&path-style=true": {S3: &S3Location{
			Bucket: "b", Prefix: "p", Endpoint: "127.0.0.1:9000", Insecure: true, PathStyle: true,
		}},
		"s3://b?endpoint=storage.googleapis.com": {S3: &S3Location{Bucket: "b", Endpoint: "storage.googleapis.com"}},
	} {
		got, err := ParseDestination(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
		again, err := ParseDestination(got.String())
		if err != nil || again.String() != got.String() {
			t.Errorf("%s: shown as %s, which is %s (%v)", text, got, again, err)
		}
	}
}

func TestDestinationRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "no destination",
		"ftp://host/x":                    "ftp://",
		"s3://bucket:9000/":               "endpoint=",
		"s3:///prefix":                    "no bucket",
		"s3://key:hush@bucket/":           "credentials",
		"s3://bucket?secret=hush":         `unknown parameter "secret"`,
		"s3://bucket?endpoint=ftp://h":    "endpoint must be",
		"s3://bucket?endpoint=http://h/p": "endpoint must be",
		"s3://bucket?path-style=maybe":    "true or false",
		"s3://bucket?endpoint=u:hush@h":   "endpoint must be",
		"s3://bu\x7fcket:hush/?a=hush":    "invalid URL",
	} {
		_, err := ParseDestination(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		} else if strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: the error shows the secret: %v", text, err)
		}
	}
}
