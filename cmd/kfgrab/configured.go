package main

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
)

// checkNamed is for commands whose streams are their arguments, or those of --config.
func checkNamed(args []string, config, command string) error {
	switch {
	case config != "" && len(args) > 0:
		return usageError(errors.New("streams as arguments or by --config, not both"))
	case config == "" && len(args) == 0:
		return usageError(fmt.Errorf("which streams? Give [NAME=]URL, or a file of them with --config; see kfgrab %s --help", command))
	}
	return nil
}

// refuseOfStreams says of a flag beside --config that it is a key of the file; those in
// allowed are not.
func refuseOfStreams(flags *pflag.FlagSet, config string, allowed map[string]bool) (err error) {
	if config == "" {
		return nil
	}
	flags.Visit(func(flag *pflag.Flag) {
		if err == nil && !allowed[flag.Name] {
			err = usageError(fmt.Errorf("--%s is for streams of the command line: %s says it for each of its own", flag.Name, config))
		}
	})
	return err
}
