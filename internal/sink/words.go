package sink

import (
	"errors"
	"fmt"
	"strings"
)

// splitWords splits a command as a POSIX shell does (IEEE Std 1003.1 2.2, quoting).
// What a shell would act upon, and nothing does here, is refused.
func splitWords(command string) ([]string, error) {
	var all []string
	var word strings.Builder
	inWord := false
	for rest := command; rest != ""; {
		c := rest[0]
		rest = rest[1:]
		switch {
		case strings.IndexByte(" \t\n", c) >= 0:
			if inWord {
				all = append(all, word.String())
				word.Reset()
			}
			inWord = false
			continue
		case c == '\\' && rest == "":
			return nil, errors.New("a backslash at the end quotes nothing")
		case c == '\\':
			word.WriteByte(rest[0])
			rest = rest[1:]
		case c == '\'' || c == '"':
			quoted, after, err := quotedPart(rest, c)
			if err != nil {
				return nil, err
			}
			word.WriteString(quoted)
			rest = after
		case strings.IndexByte("|&;<>()$`*?[", c) >= 0, !inWord && (c == '~' || c == '#'):
			return nil, needsShell(c)
		default:
			word.WriteByte(c)
		}
		inWord = true
	}
	if inWord {
		all = append(all, word.String())
	}
	return all, nil
}

// quotedPart returns what is quoted by c at the start of text, and what comes after.
func quotedPart(text string, c byte) (quoted, after string, err error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == c:
			return b.String(), text[i+1:], nil
		case c == '"' && (text[i] == '$' || text[i] == '`'):
			return "", "", needsShell(text[i])
		case c == '"' && text[i] == '\\' && i+1 < len(text) && strings.IndexByte("$`\"\\\n", text[i+1]) >= 0:
			i++
		}
		b.WriteByte(text[i])
	}
	return "", "", fmt.Errorf("the quote %c is not closed", c)
}

func needsShell(c byte) error {
	return fmt.Errorf(`%q is for a shell, and there is none: quote it, or write sh -c '… "$KFGRAB_FILE"'`, c)
}
