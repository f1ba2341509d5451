package sink

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxFileName leaves room for a number and the name of an unfinished file in the 255
// bytes that file systems give a name.
const maxFileName = 200

// FileName makes a stream's name fit for one element of a path, on any file system
// and in any object store: letters, digits, spaces and "-_.,+@=~()" stay, every other
// byte becomes %XX, as do a dot or a dash at the start and a dot or a space at the
// end. Different names stay different, on file systems that tell capitals apart. What is longer than 100 bytes then is cut, and
// ends in a hash.
func FileName(stream string) string {
	var b strings.Builder
	for i, r := range stream {
		size := utf8.RuneLen(r)
		if r == utf8.RuneError {
			_, size = utf8.DecodeRuneInString(stream[i:])
		}
		text := stream[i : i+size]
		first, last := i == 0, i+size == len(stream)
		if plain(r) && !(first && strings.ContainsRune(".- ", r)) && !(last && strings.ContainsRune(". ", r)) {
			b.WriteString(text)
			continue
		}
		for j := range len(text) {
			fmt.Fprintf(&b, "%%%02X", text[j])
		}
	}
	return shorten(b.String())
}

func plain(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) || strings.ContainsRune(" -_.,+@=~()", r))
}

const maxStreamName = 100

func shorten(name string) string {
	if len(name) <= maxStreamName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return strings.ToValidUTF8(name[:maxStreamName-17], "") + "~" + hex.EncodeToString(sum[:8])
}
