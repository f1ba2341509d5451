package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/pflag"
	"gopkg.in/natefinch/lumberjack.v2"
)

// logFlags say where the log of a program that stays goes.
type logFlags struct {
	file   string
	size   size
	files  int
	format string
}

func (f *logFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.file, "log-file", "", "`file` for the log (default standard error; where that is a terminal, the table stands for it)")
	f.size = 10 << 20
	flags.Var(&f.size, "log-size", "`size` at which the log file is renamed and a new one begun")
	flags.IntVar(&f.files, "log-files", 5, "`number` of such files that are kept beside it")
	flags.StringVar(&f.format, "log-format", "text", "`name` of the log's format: text or json")
}

// handler returns what writes the log to its file, else to standard error. Close the
// closer behind the last line.
func (f *logFlags) handler(stderr io.Writer, verbose bool) (slog.Handler, io.Closer, error) {
	if f.format != "text" && f.format != "json" {
		return nil, nil, usageError(fmt.Errorf("--log-format %q is neither text nor json", f.format))
	}
	if f.files < 0 {
		return nil, nil, usageError(fmt.Errorf("--log-files %d is no number of files", f.files))
	}
	out, closer := stderr, io.Closer(io.NopCloser(nil))
	if f.file != "" {
		rotated, err := f.open()
		if err != nil {
			return nil, nil, err
		}
		out, closer = rotated, rotated
	}
	o := &slog.HandlerOptions{}
	if verbose {
		o.Level = slog.LevelDebug
	}
	if f.format == "json" {
		return slog.NewJSONHandler(out, o), closer, nil
	}
	return slog.NewTextHandler(out, o), closer, nil
}

// open finds out whether the file can be written before anything depends on it.
func (f *logFlags) open() (*lumberjack.Logger, error) {
	file, err := os.OpenFile(f.file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return nil, usageError(fmt.Errorf("--log-file: %w", err))
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	megabytes := max(1, int(f.size>>20))
	// In lumberjack 0 files would be all.
	return &lumberjack.Logger{Filename: f.file, MaxSize: megabytes, MaxBackups: max(1, f.files)}, nil
}
