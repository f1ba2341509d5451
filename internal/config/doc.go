// Package config reads the configuration file of kfgrab watch and kfgrab serve: which
// streams there are, how to read each, which pictures to make, when, and where to put them.
// It is internal to kfgrab.
//
// Call [Load] for a file, or [FromArguments] for streams of the command line. After a file
// has changed, [Changes] lists the differences. [File.Plan] describes a file to people.
//
// The file is YAML. An unknown key, a duplicate key or name, and an invalid value are errors.
// All errors are reported at once, each with its line and with valid values. Keys have the
// names of the command's flags, with underscores. The settings in defaults apply to each
// stream that does not override them.
//
// Secrets are better kept outside the file: ${NAME} stands for an environment variable and
// ${file:PATH} for the content of a file. A text that begins with file: is replaced by the
// whole content of that file. $$ is a dollar sign. Errors and output of this package do not
// show secrets. The URL of a [Stream] contains them: do not print it.
//
// The package watches no files, grabs nothing and stores nothing.
package config
