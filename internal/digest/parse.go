package digest

import (
	"iter"
	"slices"
	"strings"
)

// maxChallenges bounds the challenges that are read: RFC 7616 has three algorithms,
// each also with -sess.
const maxChallenges = 8

// parseChallenges returns the Digest challenges among WWW-Authenticate fields that
// can be answered, in their order.
func parseChallenges(fields []string) (list []challenge) {
	for _, field := range fields {
		for scheme, parameters := range scanChallenges(field) {
			ch := challengeOf(parameters)
			if strings.EqualFold(scheme, "Digest") && ch != nil && len(list) < maxChallenges {
				list = append(list, *ch)
			}
		}
	}
	return list
}

// parseAnswer reads back what Authorization returned; nil if field is something
// else.
func parseAnswer(field string) *challenge {
	for scheme, parameters := range scanChallenges(field) {
		if strings.EqualFold(scheme, "Digest") {
			return challengeOf(parameters)
		}
	}
	return nil
}

// challengeOf returns the challenge with these parameters, nil if it cannot be
// answered.
func challengeOf(parameters []parameter) *challenge {
	ch := &challenge{}
	answerable := true
	for _, p := range parameters {
		switch strings.ToLower(p.name) {
		case "realm":
			ch.realm = p.value
		case "nonce":
			ch.nonce = p.value
		case "opaque":
			ch.opaque = p.value
		case "algorithm":
			ch.algorithm = p.value
		case "stale":
			ch.stale = strings.EqualFold(p.value, "true")
		case "userhash":
			ch.userhash = strings.EqualFold(p.value, "true")
		case "qop":
			ch.qop, answerable = chooseQop(p.value)
		}
	}
	if hash, _ := ch.hash(); hash == nil || ch.nonce == "" {
		return nil
	}
	if !answerable {
		return nil
	}
	return ch
}

// chooseQop returns the quality of protection to answer with. An empty list is that
// of a server from before it.
func chooseQop(list string) (qop string, ok bool) {
	offered := strings.FieldsFunc(strings.ToLower(list), func(r rune) bool { return r == ',' || r == ' ' })
	for _, qop := range []string{"auth", "auth-int"} {
		if slices.Contains(offered, qop) {
			return qop, true
		}
	}
	return "", len(offered) == 0
}

// parameter is name=value, or a word alone.
type parameter struct {
	name, value string
	alone       bool // a word without a value
}

// scanChallenges yields each scheme of a field with its parameters (RFC 9110 11.3).
// A scheme is a word that another word follows.
func scanChallenges(field string) iter.Seq2[string, []parameter] {
	return func(yield func(string, []parameter) bool) {
		scheme, parameters := "", []parameter(nil)
		for p := range scanFields(field) {
			if !p.alone {
				parameters = append(parameters, p)
				continue
			}
			if scheme != "" && !yield(scheme, parameters) {
				return
			}
			scheme, parameters = p.name, nil
		}
		if scheme != "" {
			yield(scheme, parameters)
		}
	}
}

// scanFields yields the parameters and words of a field. Cameras forget commas and
// quotes, and put blanks around the equals sign; all of that is read.
func scanFields(field string) iter.Seq[parameter] {
	const blanks = " \t"
	return func(yield func(parameter) bool) {
		for {
			field = strings.TrimLeft(field, blanks+",")
			end := strings.IndexAny(field, blanks+",=")
			if field == "" || end == 0 {
				return
			}
			if end < 0 {
				end = len(field)
			}
			p := parameter{name: field[:end]}
			rest := strings.TrimLeft(field[end:], blanks)

			if after, hasValue := strings.CutPrefix(rest, "="); hasValue {
				p.value, field = scanValue(strings.TrimLeft(after, blanks))
			} else {
				p.alone = !strings.HasPrefix(rest, ",") && rest != ""
				field = rest
			}
			if !yield(p) {
				return
			}
		}
	}
}

// scanValue cuts the value off the beginning of s: a quoted string, without its
// quotes but with the backslashes in it, or a word.
func scanValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		if end := strings.IndexAny(s, " \t,"); end >= 0 {
			return s[:end], s[end:]
		}
		return s, ""
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[1:i], s[i+1:]
		}
	}
	return s[1:], ""
}
