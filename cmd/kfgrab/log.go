package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/pflag"
	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/kfgrab/kfgrab/internal/program"
	"github.com/kfgrab/kfgrab/internal/units"
)

// logFlags configure the log of watch and serve.
type logFlags struct {
	file   string
	size   units.Bytes
	files  int
	format string
}

var logFlagNames = []string{"log-file", "log-size", "log-files", "log-format"}

// addLogFlags defines the flags; without is where the log goes without --log-file.
func (f *logFlags) addLogFlags(flags *pflag.FlagSet, without string) {
	flags.StringVar(&f.file, "log-file", "", "`file` write the log to this file (default "+without+")")
	flags.TextVar(&f.size, "log-size", units.Bytes(10<<20), "`size` rotate the log file at this size")
	flags.IntVar(&f.files, "log-files", 5, "`number` keep this many rotated log files")
	flags.StringVar(&f.format, "log-format", "text", "`name` format of the log: text or json")
}

// checkLogFlags returns an error if there can be no such log. It makes no file.
func (f *logFlags) checkLogFlags() error {
	if f.format != "text" && f.format != "json" {
		return usageError(fmt.Errorf("--log-format %q is neither text nor json", f.format))
	}
	if f.files < 1 {
		return usageError(errors.New("--log-files must be positive"))
	}
	if f.size < 1<<20 || f.size%(1<<20) != 0 {
		return usageError(fmt.Errorf("--log-size %v cannot be kept: give whole megabytes, such as 1M", f.size))
	}
	if f.file == "" {
		return nil
	}
	if err := program.CheckWritable(f.file); err != nil {
		return usageError(fmt.Errorf("--log-file: %w", err))
	}
	return nil
}

// newHandler returns a handler that writes to the log file, or to standard error if there
// is none. Close the closer after the last line.
// With quiet, standard error gets warnings and errors only.
func (f *logFlags) newHandler(stderr io.Writer, source *sourceFlags) (slog.Handler, io.Closer, error) {
	if err := f.checkLogFlags(); err != nil {
		return nil, nil, err
	}

	out, closer := stderr, io.Closer(io.NopCloser(nil))
	if f.file != "" {
		rotated, err := f.openLogFile()
		if err != nil {
			return nil, nil, err
		}
		out, closer = rotated, rotated
	}

	o := &slog.HandlerOptions{}
	switch {
	case source.verbose:
		o.Level = slog.LevelDebug
	case source.quiet && f.file == "":
		o.Level = slog.LevelWarn
	}
	if f.format == "json" {
		return slog.NewJSONHandler(out, o), closer, nil
	}

	return slog.NewTextHandler(out, o), closer, nil
}

// openLogFile checks now that the file can be written: lumberjack opens it at the first
// line only.
func (f *logFlags) openLogFile() (*lumberjack.Logger, error) {
	file, err := os.OpenFile(f.file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return nil, usageError(fmt.Errorf("--log-file: %w", err))
	}
	if err := file.Close(); err != nil {
		return nil, err
	}

	return &lumberjack.Logger{Filename: f.file, MaxSize: int(f.size >> 20), MaxBackups: f.files}, nil
}
