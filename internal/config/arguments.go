package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/kfgrab/kfgrab"
)

// namedURL matches NAME=URL. NAME has no character of a URL or path, because a directory
// may have an equals sign in its name.
var namedURL = regexp.MustCompile(`^([^=/?#:@]*)=(.*)$`)

// SplitArgument returns the parts of [NAME=]URL.
func SplitArgument(argument string) (name, rawURL string) {
	if m := namedURL.FindStringSubmatch(argument); m != nil {
		return m[1], m[2]
	}
	return "", argument
}

// FromArguments returns a stream for each [NAME=]URL of the command line. Everything else
// is from base, except options that the stream cannot honour. A stream without a name
// gets one from its host and path. The error wraps kfgrab.ErrUsage. References in URLs are filled in; see Lookup.ResolveAddress.
func FromArguments(arguments []string, base Stream, lookup Lookup) ([]Stream, error) {
	streams, taken := make([]Stream, 0, len(arguments)), map[string]bool{}
	for _, argument := range arguments {
		s, err := fromArgument(argument, base, lookup, taken)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", kfgrab.ErrUsage, err)
		}
		taken[strings.ToLower(s.Name)] = true
		streams = append(streams, s)
	}
	return streams, nil
}

// fromArgument returns one stream. The names in taken are in lower case.
func fromArgument(argument string, base Stream, lookup Lookup, taken map[string]bool) (Stream, error) {
	s := base
	s.Options.Header = base.Options.Header.Clone()
	s.Name, s.URL = "", argument
	if m := namedURL.FindStringSubmatch(argument); m != nil {
		s.Name, s.URL = m[1], m[2]
		if err := checkName(s.Name); err != nil {
			return Stream{}, fmt.Errorf("NAME=URL: %w", err)
		}
		if taken[strings.ToLower(s.Name)] {
			return Stream{}, fmt.Errorf("two streams have the name %q", s.Name)
		}
	}
	value, shown, err := lookup.ResolveAddress(s.URL)
	if err != nil {
		return Stream{}, err
	}
	s.URL, s.RedactedURL = value, shown
	if s.Name == "" {
		s.Name = uniqueName(nameFromURL(s.RedactedURL), taken)
	}

	s.Options = s.Options.For(s.URL)
	if err := checkURL(s.URL, &s.Options); err != nil {
		return Stream{}, err
	}
	s.Picture.Name = s.Name
	return s, nil
}

// uniqueName appends a number to a name that is taken.
func uniqueName(name string, taken map[string]bool) string {
	found := name
	for i := 2; taken[strings.ToLower(found)]; i++ {
		number := "-" + strconv.Itoa(i)
		found = name[:min(len(name), maxName-len(number))] + number
	}
	return found
}
