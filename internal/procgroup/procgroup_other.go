//go:build !unix

package procgroup

import "os/exec"

// Own does nothing where there are no process groups: the context's end kills the
// command alone.
func Own(*exec.Cmd) {}

// Kill kills the command.
func Kill(cmd *exec.Cmd) error { return cmd.Process.Kill() }
