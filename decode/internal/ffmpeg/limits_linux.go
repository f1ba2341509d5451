package ffmpeg

import (
	"math"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	// maxMemory bounds ffmpeg's address space. A picture of 8192x8192 in 4:4:4 and
	// 10 bits takes less than half of it, in any format.
	maxMemory = 4 << 30
	// maxCPU is in seconds. It ends a process that outlives kfgrab: the context of a
	// call ends sooner.
	maxCPU = 600
	// maxFiles is more than a dynamically linked ffmpeg opens while it loads.
	maxFiles = 64
	// maxFile is in bytes. ffmpeg writes no file; a script in its place may keep a
	// note.
	maxFile = 64 << 10
)

// setLimits bounds the damage if a process decodes malicious input. The readers of its
// pipes bound them. A sandbox may forbid this; the process then runs without limits.
func setLimits(p *os.Process) {
	for resource, most := range map[int]uint64{
		unix.RLIMIT_AS:     maxMemory,
		unix.RLIMIT_CPU:    maxCPU,
		unix.RLIMIT_NOFILE: maxFiles,
		unix.RLIMIT_FSIZE:  maxFile,
		unix.RLIMIT_CORE:   0,
	} {
		if strconv.IntSize == 32 && most > math.MaxUint32 {
			continue
		}

		var now unix.Rlimit
		if unix.Prlimit(p.Pid, resource, nil, &now) == nil {
			unix.Prlimit(p.Pid, resource, &unix.Rlimit{Cur: min(most, now.Max), Max: min(most, now.Max)}, nil)
		}
	}
}
