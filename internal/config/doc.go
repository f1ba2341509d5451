// Package config says what kfgrab watch and kfgrab serve are to do: which streams there
// are, how to get at each, what to make of it, when, and where to put it.
//
// Call [Load] for a file, [FromArgument] for a stream of the command line. Of a file that
// changes, [Changes] tells what is to be done. [File.Plan] is for people.
//
// The file is YAML, and strict: an unknown key, a key or name that comes twice and a
// value that makes no sense are errors, all of them told at once, each with its line and
// what would be right. Keys have the names of the command's flags, with underscores.
// What stands in defaults holds for each stream that does not say otherwise.
//
// Secrets are better kept outside: ${NAME} stands for a variable of the environment,
// ${file:PATH} for a file's content, and a text that begins with file: is all a
// file's content; $$ is a dollar sign. Neither errors nor anything that this package
// writes shows them. A [Stream] holds them filled in: do not print its URL.
//
// There is no watching of files here, no grabbing and no storing.
package config
