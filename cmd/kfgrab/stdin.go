package main

import (
	"fmt"
	"io"
	"os"
)

// readableStdin prepares standard input for the URL "-": reads of a pipe are made
// to end at a deadline. Other URLs leave it alone.
func readableStdin(rawURL string, in io.Reader) (io.ReadCloser, error) {
	f, ok := in.(*os.File)
	if rawURL != "-" || !ok {
		return io.NopCloser(in), nil
	}
	if isTerminal(f) {
		return nil, usageError(fmt.Errorf("standard input is a terminal; pipe a stream into it"))
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return io.NopCloser(in), nil // reads of files do not wait
	}
	return pollable(f)
}
