package config

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// secret is the value of every variable and file. It must never be printed.
const secret = "s3cr3t"

// FuzzParse: a file that loads prints as a plan without secrets, and always as
// the same one. The error for any other file names one of its lines, and shows
// no secret, either.
func FuzzParse(f *testing.F) {
	text, err := os.ReadFile(documented)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	for _, s := range []string{
		three, stream("cron: */5 * * * *"), stream("headers: {X: ${A}}"), stream("user_agent: file:x", "credentials: {user: $$, password: ${P}}"),
		"defaults: &a\n  <<: *a\nstreams: [*a, *a]\n", "a: |\n  b\n---\n{? [", "streams:\n- url: ${A}://${B}@${C}?${D}=${E}#${F}\n  name: x\n  sinks: [{s3: \"s3://${A}/${B}\"}, \"${C}\", {webhook: \"http://${D}/\"}]\n",
	} {
		f.Add([]byte(s))
	}
	everything := Lookup{
		Env:  func(string) (string, bool) { return secret, true },
		File: func(string) ([]byte, error) { return []byte(secret + "\n"), nil },
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if strings.Contains(string(data), secret) {
			return
		}
		file, err := Parse("cams.yaml", data, everything)
		if err != nil {
			checkErrors(t, data, err)
			return
		}
		plan := file.Plan()
		if strings.Contains(plan, secret) {
			t.Errorf("the plan shows a secret: %s", plan)
		}
		again, err := Parse("cams.yaml", data, everything)
		if err != nil || again.Plan() != plan {
			t.Errorf("another time: %v", err)
		}
		names := map[string]bool{}
		for _, s := range file.Streams {
			if s.Name == "" || s.URL == "" || names[strings.ToLower(s.Name)] {
				t.Errorf("%q at %q", s.Name, s.URL)
			}
			names[strings.ToLower(s.Name)] = true
		}
		if d := Changes(file.Streams, again.Streams); !d.Empty() {
			t.Errorf("it differs from itself: %+v", d)
		}
	})
}

func checkErrors(t *testing.T, data []byte, err error) {
	t.Helper()
	var all *Errors
	if !errors.As(err, &all) || len(all.List) == 0 || len(all.List) > maxErrors {
		t.Fatalf("%T %v", err, err)
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("the error shows a secret: %v", err)
	}
	lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 1
	for _, e := range all.List {
		if e.Line < 0 || e.Line > lines || e.Text == "" {
			t.Errorf("line %d of %d: %q", e.Line, lines, e.Text)
		}
	}
}
