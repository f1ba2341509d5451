// Package config reads the configuration file of kfgrab watch and kfgrab serve: which
// streams there are, how to read each, which pictures to make, when, and where to put them.
// It is internal to kfgrab.
//
// Call [Load] for a file, or [FromArguments] for streams of the command line. After a file
// has changed, [Changes] lists the differences. [File.Plan] describes a file to people.
//
// The file is YAML. An unknown key, a duplicate key or name, and an invalid value are errors.
// All errors are reported at once, each with its line and with what would be right. Keys have
// the names of the command's flags, with underscores. What stands in defaults applies to each
// stream that does not say otherwise.
//
// Secrets are better kept outside the file: ${NAME} stands for a variable of the environment
// and ${file:PATH} for the content of a file. A text that begins with file: is replaced by
// that file as a whole. $$ is a dollar sign. Neither errors nor anything that this package
// writes shows them. The URL of a [Stream] contains them: do not print it.
//
// The package watches no files, grabs nothing and stores nothing.
package config
