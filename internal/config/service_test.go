package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/internal/credential"
	"github.com/kfgrab/kfgrab/serve"
)

// serving is a file with these lines within serve.
func serving(lines ...string) string {
	return "serve:\n  " + strings.Join(lines, "\n  ") + "\nstreams: [{name: a, url: \"rtsp://a/\"}]\n"
}

func TestService(t *testing.T) {
	_, hash := credential.NewToken()
	password, err := credential.HashPassword("long enough")
	if err != nil {
		t.Fatal(err)
	}
	f := parseText(t, serving(
		"listen: '[::]:8443'", "tls: {cert: c.pem, key: '${KEY}'}", "hosts: cams.example.com", "allow: [example.com, 10.0.0.0/8]", "rate: {per_second: 5}",
		"auth: [{name: a, hash: '"+hash+"', streams: [a]}, {name: b, hash: "+password+"}, {name: c, hash: 'file:hash'}]",
	), map[string]string{"KEY": "k.pem", "hash": hash})
	want := Service{
		Listen: "[::]:8443", TLS: serve.TLS{Cert: "c.pem", Key: "k.pem"}, Hosts: []string{"cams.example.com"}, Allow: "example.com 10.0.0.0/8", Rate: &serve.Rate{PerSecond: 5},
		Clients: []serve.Client{{Name: "a", Hash: hash, Streams: []string{"a"}}, {Name: "b", Hash: password}, {Name: "c", Hash: hash}},
	}
	if !reflect.DeepEqual(f.Service, want) {
		t.Errorf("%+v, want %+v", f.Service, want)
	}
	if f := parseText(t, serving("rate: off"), nil); *f.Service.Rate != (serve.Rate{}) {
		t.Errorf("%+v", f.Service.Rate)
	}
}

func TestServiceErrors(t *testing.T) {
	_, hash := credential.NewToken()
	for line, want := range map[string]string{
		"listen: 8080":                                   "not an address to listen on",
		"listen: a:b":                                    "not an address to listen on",
		"listen: '127.0.0.1:0'":                          "not an address to listen on",
		"tls: {cert: c.pem}":                             "needs cert and key",
		"tls: c.pem":                                     "must have keys and values",
		"auth: none":                                     "must be a list",
		"auth: [{name: a}]":                              "needs a name and a hash",
		"auth: [{hash: '" + hash + "'}]":                 "needs a name and a hash",
		"auth: [{name: 'a:b', hash: x}]":                 "the name of a client",
		"auth: [{name: a, hash: geheim}]":                "not a bcrypt hash",
		"auth: [{name: a, hash: $2a$10$x}]":              "not a bcrypt hash",
		"auth: [{name: a, password: geheim}]":            "unknown key",
		"auth: [{name: a, streams: ['../x']}]":           "begin with a letter",
		"allow: 'http://example.com'":                    "must not be a URL",
		"allow: [example.com, 'a b', '*.']":              "invalid host to allow",
		"allow: []":                                      "has no value",
		"hosts: a/b":                                     "neither the name of a host",
		"rate: {per_second: -1}":                         "out of range",
		"rate: 5":                                        "must have keys and values",
		"rate: {burst: 0, per_second: 5}":                "out of range",
		"auth: [&a {name: a, hash: '" + hash + "'}, *a]": "twice",
	} {
		_, err := Parse("cams.yaml", []byte(serving(line)), lookup(nil))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}

func TestLoadClients(t *testing.T) {
	_, hash := credential.NewToken()
	for text, want := range map[string]string{
		"# who\n\na:" + hash + "\nb:" + hash + " door, Front door\n": "",
		"a:" + hash + "\na:" + hash:                                  ":2:1: client \"a\" appears twice",
		"geheim":                                                     ":1:1: not a bcrypt hash",
		":" + hash:                                                   ":1:1: the name of a client",
		"a:" + hash + " ../x":                                        ":1:1: a name must begin",
		"":                                                           "the file has no clients",
	} {
		path := filepath.Join(t.TempDir(), "clients")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		clients, err := LoadClients(path)
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
				t.Errorf("%q: %v, want %q", text, err, want)
			}
			continue
		}
		if err != nil || len(clients) != 2 || len(clients[0].Streams) != 0 || !reflect.DeepEqual(clients[1], serve.Client{Name: "b", Hash: hash, Streams: []string{"door", "Front door"}}) {
			t.Errorf("%+v, %v", clients, err)
		}
	}
	if _, err := LoadClients(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no file")
	}
}
