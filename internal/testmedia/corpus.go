package testmedia

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// CorpusFile is a row of the index of real streams, which may exist next to the
// repository.
type CorpusFile struct {
	Name     string // relative to the corpus's files
	Path     string // of the file
	Kind     string // "ts", "mp4", "fmp4", "annexb", "sdp", …
	Codec    string // "h264", "hevc", …
	Expect   string // "picture", "error" or "any"
	Init     string // path of the initialisation segment, or ""
	FrameMD5 string // of the expected picture

	Properties string // in words: "encrypted cenc", …
}

// Corpus returns the files of the given kinds, none without a corpus. It looks next to
// the repository, from a package one level below its root.
func Corpus(kinds ...string) (files []CorpusFile, err error) {
	dir := filepath.Join("..", "..", "shared", "corpus")
	index, err := os.Open(filepath.Join(dir, "INDEX.tsv"))
	if err != nil {
		return nil, nil
	}
	defer index.Close()
	r := csv.NewReader(index)
	r.Comma, r.LazyQuotes = '\t', true
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}

	column := func(name string) int { return slices.Index(rows[0], name) }
	for _, row := range rows[1:] {
		f := CorpusFile{
			Name: row[column("path")], Path: filepath.Join(dir, "files", row[column("path")]),
			Kind: row[column("kind")], Codec: row[column("codec")],
			Expect: row[column("expect")], FrameMD5: row[column("framemd5")], Properties: row[column("properties")],
		}
		if init := row[column("init")]; init != "" {
			f.Init = filepath.Join(dir, "files", init)
		}
		if slices.Contains(kinds, f.Kind) {
			files = append(files, f)
		}
	}
	return files, nil
}

// MustCorpus is Corpus for tests that need a corpus. It skips them if there is none.
func MustCorpus(tb testing.TB, kinds ...string) []CorpusFile {
	tb.Helper()
	files, err := Corpus(kinds...)
	if err != nil {
		tb.Fatal(err)
	}
	if len(files) == 0 {
		tb.Skip("0 real streams tested: no corpus next to the repository")
	}
	return files
}

// MustCases returns a directory of inputs that once went wrong, which may exist next to
// the repository. It skips the test without them.
func MustCases(tb testing.TB, name string) string {
	tb.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", "cases", name))
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		tb.Skip("0 inputs that once went wrong tested: no cases next to the repository")
	}
	return dir
}
