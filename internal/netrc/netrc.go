// Package netrc finds the user and password of a host in a .netrc file, as ftp and curl
// do. It is internal to kfgrab, for its command.
package netrc

import "strings"

// Entry is what a file says about a host.
type Entry struct{ Login, Password string }

// Find returns the first entry for host, else the default entry. Words may stand in double
// quotes, with a backslash before a quote; macro definitions are skipped.
func Find(text, host string) (entry Entry, found bool) {
	scan := &scanner{text: text}
	matches := false
	for word, ok := scan.next(); ok; word, ok = scan.next() {
		switch word {
		case "machine", "default":
			if found {
				return entry, true
			}
			name := host
			if word == "machine" {
				name, _ = scan.next()
			}
			matches = strings.EqualFold(name, host)
			found = matches
		case "macdef":
			scan.skipMacro()
		case "login", "password", "account":
			value, _ := scan.next()
			switch {
			case !matches:
			case word == "login":
				entry.Login = value
			case word == "password":
				entry.Password = value
			}
		}
	}
	return entry, found
}

// scanner splits a file into words.
type scanner struct{ text string }

func (s *scanner) next() (word string, ok bool) {
	for {
		s.text = strings.TrimLeft(s.text, " \t\r\n")
		if !strings.HasPrefix(s.text, "#") {
			break
		}
		_, s.text, _ = strings.Cut(s.text, "\n")
	}
	switch {
	case s.text == "":
		return "", false
	case s.text[0] == '"':
		return s.quoted(), true
	}

	end := strings.IndexAny(s.text, " \t\r\n")
	if end < 0 {
		end = len(s.text)
	}
	word, s.text = s.text[:end], s.text[end:]
	return word, true
}

func (s *scanner) quoted() string {
	var word strings.Builder
	for n := 1; n < len(s.text); n++ {
		switch c := s.text[n]; {
		case c == '"':
			s.text = s.text[n+1:]
			return word.String()
		case c == '\\' && n+1 < len(s.text):
			n++
			word.WriteByte(s.text[n])
		default:
			word.WriteByte(c)
		}
	}
	s.text = ""
	return word.String()
}

// skipMacro skips up to an empty line.
func (s *scanner) skipMacro() {
	_, s.text, _ = strings.Cut(s.text, "\n\n")
}
