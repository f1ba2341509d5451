// Package procgroup runs a command so that its children end with it.
//
// Call [Own] before the command's Start, and [Kill] where its Wait returns
// exec.ErrWaitDelay: the command is dead then, and a child of it is not.
package procgroup
