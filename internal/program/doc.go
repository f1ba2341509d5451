// Package program runs what a configuration file of kfgrab watch says. It is internal to
// kfgrab: for its command, and for other programs of this module that keep to such a file.
//
// Call [Open] with a [config.File], then [Program.Once] or [Program.Run], and
// [Program.Close]. [Program.Reload] replaces the streams while it runs; [Reloader] calls it
// whenever the file changes or on SIGHUP.
//
// There are no flags here, no exit codes and no table on a terminal.
package program
