package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab/internal/address"
	"github.com/kfgrab/kfgrab/internal/config"
	"github.com/kfgrab/kfgrab/internal/netrc"
)

// addressFlags are where a one-shot command gets the secrets of its address from.
type addressFlags struct {
	netrc     bool
	netrcFile string
}

func (f *addressFlags) addAddressFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&f.netrc, "netrc", false, "take user and password of the stream's host from $NETRC or ~/.netrc")
	flags.StringVar(&f.netrcFile, "netrc-file", "", "`file` take user and password of the stream's host from this file")
}

// resolveAddress returns the address that was meant by an argument: references are filled
// in as in a configuration, and --netrc adds user and password.
func (f *addressFlags) resolveAddress(argument string) (string, error) {
	rawURL, shown, err := config.System().ResolveAddress(argument)
	if err != nil {
		return "", usageError(err)
	}
	if !f.netrc && f.netrcFile == "" {
		return rawURL, nil
	}

	u, err := address.Parse(rawURL)
	switch {
	case err != nil:
		return "", usageError(err)
	case u.Host == "":
		return "", usageError(fmt.Errorf("%s has no host: --netrc is for URLs", shown))
	case u.User != nil:
		return "", usageError(fmt.Errorf("%s has user and password: leave them out, or --netrc", shown))
	}
	entry, err := f.findEntry(u.Hostname())
	if err != nil {
		return "", usageError(err)
	}
	u.User = url.UserPassword(entry.Login, entry.Password)
	return u.String(), nil
}

func (f *addressFlags) findEntry(host string) (netrc.Entry, error) {
	path := cmp.Or(f.netrcFile, os.Getenv("NETRC"))
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return netrc.Entry{}, fmt.Errorf("--netrc: %w; --netrc-file names a file", err)
		}
		path = filepath.Join(home, ".netrc")
	}

	data, err := config.System().File(path)
	if err != nil {
		return netrc.Entry{}, fmt.Errorf("--netrc: %s: %w", path, err)
	}
	entry, found := netrc.Find(string(data), host)
	if !found {
		return netrc.Entry{}, fmt.Errorf("--netrc: %s has no entry for %s", path, host)
	}
	return entry, nil
}

// parseHeaders reads the arguments of --header: 'Name: value', of which the value may have
// references as in a configuration, or @FILE with a header in each line.
func parseHeaders(arguments []string) (http.Header, error) {
	header := http.Header{}
	for _, argument := range arguments {
		path, isFile := strings.CutPrefix(argument, "@")
		if !isFile {
			value, err := config.System().ResolveHeader(argument)
			if err == nil {
				err = addHeaderLine(header, value)
			}
			if err != nil {
				return nil, usageError(fmt.Errorf("--header: %w", err))
			}
			continue
		}

		data, err := config.System().File(path)
		if err != nil {
			return nil, usageError(fmt.Errorf("--header: %s: %w", path, err))
		}
		for n, line := range strings.Split(string(data), "\n") {
			if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
				continue
			}
			if err := addHeaderLine(header, line); err != nil {
				return nil, usageError(fmt.Errorf("--header: %s, line %d: %w", path, n+1, err))
			}
		}
	}
	return header, nil
}

// addHeaderLine does not repeat a malformed line, which may hold a secret.
func addHeaderLine(header http.Header, line string) error {
	name, value, found := strings.Cut(line, ":")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !found || name == "" || strings.ContainsAny(name, " \t\r\n") || strings.ContainsAny(value, "\r\n") {
		return errors.New("write 'Name: value'")
	}
	header.Add(name, value)
	return nil
}
