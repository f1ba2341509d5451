package bench

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// versions asks the programs what they are.
func versions() map[string]string {
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
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		out["linux"] = strings.TrimSpace(string(b))
	}
	return out
}

// load is the machine's load of the last minute, 0 where it cannot be told.
func load() float64 {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	var l float64
	fmt.Sscan(string(b), &l) //nolint:errcheck // 0 then
	return l
}
