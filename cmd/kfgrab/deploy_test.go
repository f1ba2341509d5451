package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSystemdUnit: systemd accepts the unit, and the program its command.
func TestSystemdUnit(t *testing.T) {
	t.Parallel()
	unit, err := os.ReadFile("../../deploy/kfgrab-watch.service")
	if err != nil {
		t.Fatal(err)
	}
	const program, config = "/usr/local/bin/kfgrab", "/etc/kfgrab/cams.yaml"
	_, command, _ := strings.Cut(string(unit), "ExecStart="+program+" ")
	command, _, _ = strings.Cut(command, "\n")
	dir := t.TempDir()
	own := filepath.Join(dir, "cams.yaml")
	writeFile(t, own, "streams: [{name: cam, url: rtsp://camera/live, every: 5m, sinks: [shots]}]\n")
	c := newCommand(t, append(strings.Fields(strings.Replace(command, config, own, 1)), "--check")...)
	c.run(0)

	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip(err)
	}
	there, err := exec.LookPath("kfgrab")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "kfgrab-watch.service")
	writeFile(t, path, strings.Replace(string(unit), "="+program, "="+there, 1))
	if out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}
