//go:build !unix

package procgroup

import "os/exec"

// Own does nothing: there are no process groups, and the end of the context kills only
// the command.
func Own(*exec.Cmd) {}

// Kill kills the command.
func Kill(cmd *exec.Cmd) error { return cmd.Process.Kill() }
