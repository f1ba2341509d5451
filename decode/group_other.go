//go:build !unix

package decode

import "os/exec"

// ownGroup does nothing where there are no process groups: the context's end
// kills ffmpeg alone.
func ownGroup(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }
