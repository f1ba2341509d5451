package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/redact"
)

// named is what stands in front of a URL: no part of one, as the path of a local file with
// a sign of equality in its directory could be.
var named = regexp.MustCompile(`^([^=/?#:@]*)=(.*)$`)

// FromArgument returns the stream that [NAME=]URL on the command line means, made of
// base, which has what the flags say. Without a
// name it has one that follows from host and path; where that is in taken, in lower case,
// a number comes behind. The name is added to taken. The error wraps kfgrab.ErrUsage.
func FromArgument(argument string, base Stream, taken map[string]bool) (Stream, error) {
	s := base
	s.Options.Header = base.Options.Header.Clone()
	rawURL := argument
	if m := named.FindStringSubmatch(argument); m != nil {
		s.Name, rawURL = m[1], m[2]
		if err := checkName(s.Name); err != nil {
			return Stream{}, fmt.Errorf("%w: NAME=URL: %w", kfgrab.ErrUsage, err)
		}
		if taken[strings.ToLower(s.Name)] {
			return Stream{}, fmt.Errorf("%w: two streams have the name %q", kfgrab.ErrUsage, s.Name)
		}
	} else {
		s.Name = unique(streamName(rawURL), taken)
	}
	if err := check(rawURL, &s.Options); err != nil {
		return Stream{}, fmt.Errorf("%w: %w", kfgrab.ErrUsage, err)
	}
	taken[strings.ToLower(s.Name)] = true
	s.URL, s.RedactedURL = rawURL, redact.URL(rawURL)
	s.Picture.Name = s.Name
	return s, nil
}

// unique puts a number behind a name that is taken.
func unique(name string, taken map[string]bool) string {
	found := name
	for i := 2; taken[strings.ToLower(found)]; i++ {
		number := "-" + strconv.Itoa(i)
		found = name[:min(len(name), maxName-len(number))] + number
	}
	return found
}
