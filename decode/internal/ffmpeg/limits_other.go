//go:build !linux

package ffmpeg

import "os"

// setLimits does nothing: only Linux can limit another process.
func setLimits(*os.Process) {}
