//go:build unix

package decode

import (
	"os"
	"os/exec"
	"syscall"
)

// ownGroup puts cmd into a process group of its own, so that the terminal's
// interrupt does not reach it, and kills the whole group when its context ends:
// ffmpeg may be a script.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd) }
}

func killGroup(cmd *exec.Cmd) error {
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err == syscall.ESRCH {
		return os.ErrProcessDone
	}
	return nil
}
