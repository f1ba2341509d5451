package kfgrab_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const modulePath = "github.com/kfgrab/kfgrab"

// floors are the storeys of the house: a package imports only packages of
// lower ones. An entry that ends in a slash is for all packages below it.
var floors = [][]string{
	0: {"keyframe", "internal/allow", "internal/atomicfile", "internal/change", "internal/credential", "internal/lockfile", "internal/metadata", "internal/meter", "internal/neterror", "internal/nginx", "internal/overlay", "internal/parallel", "internal/procgroup", "internal/progress", "internal/redact", "internal/schedule", "internal/sleep", "internal/testmedia", "internal/tlspin", "internal/units"},
	1: {"internal/testserver", "ts", "fmp4", "decode", "internal/fetch", "internal/sink"},
	2: {"hls", "rtsp", "internal/file"},
	3: {"."},
	4: {"picture"},
	5: {"internal/config", "session", "internal/sheet", "bench", "internal/origin"},
	6: {"internal/watch", "serve"},
	7: {"cmd/"},
}

// floorOf returns −1 for a package that has no floor.
func floorOf(name string) int {
	for floor, packages := range floors {
		for _, p := range packages {
			if p == name || strings.HasSuffix(p, "/") && strings.HasPrefix(name, p) {
				return floor
			}
		}
	}
	return -1
}

// inModule returns a package's path below the module, "." for the root.
func inModule(importPath string) (name string, ok bool) {
	if importPath == modulePath {
		return ".", true
	}
	return strings.CutPrefix(importPath, modulePath+"/")
}

type listed struct {
	ImportPath string
	Imports    []string // of production code: not of tests
}

func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports", "./...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func TestFloors(t *testing.T) {
	packages := list(t)
	if len(packages) == 0 {
		t.Fatal("go list names no package")
	}
	for _, p := range packages {
		name, _ := inModule(p.ImportPath)
		floor := floorOf(name)
		if floor < 0 {
			t.Errorf("%s: give it a floor", name)
			continue
		}
		for _, i := range p.Imports {
			lower, ours := inModule(i)
			if ours && floorOf(lower) >= floor {
				t.Errorf("%s, on floor %d, imports %s, on floor %d", name, floor, lower, floorOf(lower))
			}
		}
	}
}
