// Package spelling finds the word that a user probably meant. It is internal to kfgrab:
// commands, flags, keys of configurations and schemes of URLs are all corrected by it.
package spelling

import "strings"

// maxWord is longer than any known word. Longer texts are no misspellings.
const maxWord = 40

// Nearest returns the known word that was probably meant by word, or "". Known words are
// in lower case. Of equally near ones, it returns the first.
func Nearest(word string, known []string) string {
	if len(word) > maxWord {
		return ""
	}

	best, found := max(2, len(word)/3+1), ""
	for _, name := range known {
		if d := editDistance(strings.ToLower(word), name); d < best {
			best, found = d, name
		}
	}
	return found
}

// editDistance is the Levenshtein distance of bytes, in which swapped neighbours count as
// one.
func editDistance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)

	for j := range row {
		row[j] = j
	}

	for i := range len(a) {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}

	return row[len(b)]
}
