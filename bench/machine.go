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

// programVersions asks the programs what they are. kfgrab is the path of the command, or "".
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

// withDecoder makes one line of what kfgrab version says, with the decoder's name in
// place of its path: a kfgrab-ffmpeg takes less CPU than the system's.
func withDecoder(version string) string {
	program, rest, _ := strings.Cut(version, "\n")
	program, _, _ = strings.Cut(program, ",")
	decoder, _, _ := strings.Cut(rest, "\n")
	number, path, _ := strings.Cut(decoder, ", ")
	return fmt.Sprintf("%s with %s (%s)", program, number, filepath.Base(path))
}

// systemLoad is the machine's load of the last minute, 0 where it cannot be told.
func systemLoad() float64 {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	var l float64
	fmt.Sscan(string(b), &l) //nolint:errcheck // 0 then
	return l
}

// processLook is what a process takes at a moment.
type processLook struct {
	Memory         int64 // resident bytes
	Threads, Files int
	Children       int // processes that it has started
}

// inspectProcess reads proc(5); elsewhere there is nothing to see.
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
