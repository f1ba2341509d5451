// Package procgroup makes a command's children end with the command. It is internal to
// kfgrab, for ffmpeg and for hooks.
//
// Call [Own] before the command's Start, and [Kill] if its Wait returns
// exec.ErrWaitDelay: then the command is dead, but one of its children is not.
package procgroup
