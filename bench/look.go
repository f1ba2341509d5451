package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// processLook is what a process takes at a moment.
type processLook struct {
	Memory         int64 // resident bytes
	Threads, Files int
	Children       int // processes that it has started
}

// lookAt reads proc(5); elsewhere there is nothing to see.
func lookAt(pid int) (l processLook) {
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
