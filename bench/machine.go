package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// programVersions returns the versions of the programs. kfgrab is the path of the command,
// or "".
func programVersions(kfgrab string) map[string]string {
	out := map[string]string{"go": runtime.Version()}
	for name, args := range map[string][]string{
		"ffmpeg":         {"-version"},
		"nginx":          {"-v"},
		"streamlink":     {"--version"},
		"gst-launch-1.0": {"--version"},
	} {
		b, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			continue
		}
		line, _, _ := strings.Cut(string(b), "\n")
		line, _, _ = strings.Cut(line, " Copyright")
		out[name] = strings.TrimSpace(line)
	}

	if b, err := exec.Command(kfgrab, "version").Output(); err == nil {
		out["kfgrab"] = withDecoder(string(b))
	}
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		out["linux"] = "Linux " + strings.TrimSpace(string(b))
	}
	return out
}

// withDecoder turns the output of kfgrab version into one line, with the name of the
// decoder instead of its path: kfgrab-ffmpeg takes less CPU than the system's ffmpeg.
func withDecoder(version string) string {
	program, rest, _ := strings.Cut(version, "\n")
	program, _, _ = strings.Cut(program, ",")
	decoder, _, _ := strings.Cut(rest, "\n")
	number, path, _ := strings.Cut(decoder, ", ")
	return fmt.Sprintf("%s with %s (%s)", program, number, filepath.Base(path))
}

// systemLoad returns the machine's load of the last minute, or 0 if unknown.
func systemLoad() float64 {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	var l float64
	fmt.Sscan(string(b), &l) //nolint:errcheck // stays 0
	return l
}

// processLook is what a process uses at one moment.
type processLook struct {
	Memory         int64 // resident bytes
	Threads, Files int
	Children       int // running child processes
}

// inspectProcess reads proc(5). The result is zero on other systems.
func inspectProcess(pid int) (l processLook) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return l
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		switch name {
		case "VmRSS":
			l.Memory = int64(n) << 10
		case "Threads":
			l.Threads = n
		}
	}

	files, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	l.Files = len(files)
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, t := range tasks {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, t.Name()))
		l.Children += len(strings.Fields(string(children)))
	}
	return l
}
