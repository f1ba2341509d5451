//go:build unix

package procgroup

import (
	"os"
	"os/exec"
	"syscall"
)

// Own puts cmd into a process group of its own, so that an interrupt from the terminal
// does not reach it. The end of its context kills the whole group, because cmd may be a
// script.
func Own(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return Kill(cmd) }
}

// Kill kills the group of cmd, which must have been started.
func Kill(cmd *exec.Cmd) error {
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err == syscall.ESRCH {
		return os.ErrProcessDone
	}
	return nil
}
