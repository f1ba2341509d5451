package sink

import (
	"strings"
	"testing"
	"time"
)

func TestTemplatePath(t *testing.T) {
	oslo := time.FixedZone("", 3600)
	taken := time.Date(2026, 3, 1, 23, 2, 3, 250_900_000, time.UTC)
	for _, c := range []struct {
		text string
		loc  *time.Location
		want string
	}{
		{"", nil, "cam/2026-03-01/230203.250Z.jpg"},
		{"", oslo, "cam/2026-03-02/000203.250+0100.jpg"},
		{"{name}/{year}/{month}/{day}/{hour}{minute}{second}_{millisecond}.{ext}", oslo, "cam/2026/03/02/000203_250.jpg"},
		{"{unix}-{name}.{ext}", nil, "1772406123-cam.jpg"},
		{"all pictures/{date} {time}", nil, "all pictures/2026-03-01 230203.250Z"},
	} {
		tmpl, err := ParseTemplate(c.text, c.loc)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if got := tmpl.Path(&Picture{Stream: "cam", Time: taken, Extension: ".jpg"}); got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
	}
}

func TestTemplateRefused(t *testing.T) {
	for text, want := range map[string]string{
		"{name}/{tiem}.jpg":                     "unknown placeholder {tiem}; known are {name}",
		"/shots/{date}/{time}.jpg":              "relative",
		"../{date}/{time}.jpg":                  "begins with a dot",
		"{name}/../{date}{time}.jpg":            "begins with a dot",
		".kfgrab/{date}{time}.jpg":              "begins with a dot",
		"{name}//{date}{time}.jpg":              "empty",
		"{name}/{date}{time}/":                  "empty",
		"{name}/{date}.jpg":                     "time to the second",
		"{name}/{time}.jpg":                     "time to the second",
		"{name}/{hour}{minute}.jpg":             "time to the second",
		"{name}/{date}{time}{":                  "brace",
		`{name}\{date}{time}`:                   "backslash",
		strings.Repeat("{name}", 3) + "/{unix}": "longer than",
	} {
		if _, err := ParseTemplate(text, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"latest.{ext}":        "needs {name}",
		"{name}/{date}.{ext}": "without {date}",
		"../{name}.{ext}":     "dot",
	} {
		if _, err := ParseLatest(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("latest %q: %v, want %q in it", text, err, want)
		}
	}
	if _, err := ParseLatest(""); err != nil {
		t.Error(err)
	}
}

func TestFileName(t *testing.T) {
	for name, want := range map[string]string{
		"cam-1":        "cam-1",
		"Front door":   "Front door",
		"Einfahrt Süd": "Einfahrt Süd",
		"..":           "%2E%2E",
		".":            "%2E",
		"a..b":         "a..b",
		"../../etc":    "%2E.%2F..%2Fetc",
		"a/b":          "a%2Fb",
		`a\b`:          "a%5Cb",
		"a%2Fb":        "a%252Fb",
		"-rf":          "%2Drf",
		"end.":         "end%2E",
		"x\x00\ny":     "x%00%0Ay",
		"$(id);`id`":   "%24(id)%3B%60id%60",
		"a\xffb":       "a%FFb",
		"a\ufffdb":     "a%EF%BF%BDb",
		"":             "",
	} {
		if got := fileName(name); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}

// FuzzFileName: a file name is one element of a path that stays in its
// directory, and different names have different file names.
func FuzzFileName(f *testing.F) {
	f.Add("cam", "Cam")
	f.Add("a/b", "a%2Fb")
	f.Add("..", ".%2E")
	f.Add(strings.Repeat("ü", 80), strings.Repeat("ü", 81))
	f.Add("a\xff", "a\ufffd")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := fileName(a), fileName(b)
		if strings.ContainsAny(x, "/\\\x00:") || strings.HasPrefix(x, ".") || len(x) > maxStreamName {
			t.Errorf("%q becomes %q", a, x)
		}
		if (a == b) != (x == y) {
			t.Errorf("%q becomes %q, %q becomes %q", a, x, b, y)
		}
	})
}

func TestNumbered(t *testing.T) {
	for n, want := range []string{"a.b/c.jpg", "a.b/c-1.jpg", "a.b/c-2.jpg"} {
		if got := numberedPath("a.b/c.jpg", n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
