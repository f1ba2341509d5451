package kfgrab_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const modulePath = "github.com/kfgrab/kfgrab"

// floors are the layers of the module: a package imports only packages of lower
// ones. An entry that ends in a slash stands for all packages below it.
var floors = [][]string{
	0: {"keyframe", "internal/address", "internal/allow", "internal/atomicfile", "internal/change", "internal/credential", "internal/digest", "internal/event", "internal/filestamp", "internal/lockfile", "internal/metadata", "internal/meter", "internal/neterror", "internal/netrc", "internal/nginx", "internal/overlay", "internal/parallel", "internal/procgroup", "internal/progress", "internal/proxyurl", "internal/sleep", "internal/spelling", "internal/testmedia", "internal/tlspin"},
	1: {"hls", "internal/testserver", "ts", "fmp4", "decode", "internal/fetch", "internal/proxy", "internal/schedule", "internal/sink"},
	2: {"internal/hlssource", "rtsp", "internal/file"},
	3: {"."},
	4: {"picture"},
	5: {"session", "internal/sheet", "bench", "internal/origin"},
	6: {"internal/watch", "serve", "serve/internal/servetest"},
	7: {"internal/config"},
	8: {"internal/program"},
	9: {"cmd/", "bench/cmd/", "lambda", "lambda/pack", "serve/browsertest"},
}

// ground is below all floors: its packages import nothing from this module.
var ground = []string{"internal/imagefile", "internal/redact", "internal/sourcekind", "internal/units"}

const (
	groundFloor = -1
	noFloor     = -2
)

// floorOf returns the floor of a package, or noFloor. Packages below P/internal
// share the floor of P.
func floorOf(name string) int {
	if slices.Contains(ground, name) {
		return groundFloor
	}
	name = ownerOf(name)
	for floor, packages := range floors {
		for _, p := range packages {
			if p == name || (strings.HasSuffix(p, "/") && strings.HasPrefix(name, p)) {
				return floor
			}
		}
	}
	return noFloor
}

// ownerOf returns P for a package below P/internal, otherwise the package
// itself. An owner and its packages may import each other; the compiler rejects
// cycles.
func ownerOf(name string) string {
	owner, _, _ := strings.Cut(name, "/internal/")
	return owner
}

// inModule returns a package's path within the module; "." is the root.
func inModule(importPath string) (name string, ok bool) {
	if importPath == modulePath {
		return ".", true
	}
	return strings.CutPrefix(importPath, modulePath+"/")
}

type listed struct {
	ImportPath string
	Imports    []string // imports of production code, not of tests
}

// modules returns the directories of the root module and of the nested ones.
func modules(t *testing.T) []string {
	t.Helper()
	var dirs []string
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != "." && (name == "testdata" || strings.ContainsAny(name[:1], "._")) {
			return fs.SkipDir
		}
		if name == "go.mod" {
			dirs = append(dirs, filepath.Dir(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// listPackages returns the packages of the module in dir.
func listPackages(t *testing.T, dir string) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports", "./...")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list in %s: %v", dir, err)
	}
	var packages []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if len(packages) == 0 {
		t.Fatalf("go list names no package in %s", dir)
	}
	return packages
}

func TestFloors(t *testing.T) {
	var packages []listed
	for _, dir := range modules(t) {
		packages = append(packages, listPackages(t, dir)...)
	}

	for _, p := range packages {
		name, _ := inModule(p.ImportPath)
		floor := floorOf(name)
		if floor == noFloor {
			t.Errorf("%s: give it a floor", name)
			continue
		}
		for _, i := range p.Imports {
			lower, ours := inModule(i)
			if ours && floorOf(lower) >= floor && ownerOf(lower) != ownerOf(name) {
				t.Errorf("%s, on floor %d, imports %s, on floor %d", name, floor, lower, floorOf(lower))
			}
		}
	}
}
