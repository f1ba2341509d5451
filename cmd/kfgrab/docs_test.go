package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// documents returns the Markdown for users by its path from here.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../deploy/*/*.md", "../../bench/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts[file] = string(text)
		}
	}
	if len(texts) < 15 {
		t.Fatalf("only %d documents", len(texts))
	}
	return texts
}

var (
	// kfgrab, a word, and the rest of the code span or line
	commandLine = regexp.MustCompile("\\bkfgrab(?: ([a-z]+)\\b)?([^`|\n]*)")
	longFlag    = regexp.MustCompile(`(?:^|[^\w-])--([a-z][a-z0-9-]*)`)
	link        = regexp.MustCompile(`\]\(([^)#\s]*)(?:#([^)\s]*))?\)`)
	heading     = regexp.MustCompile(`(?m)^#+ (.*)$`)
	noSlug      = regexp.MustCompile(`[^a-z0-9 _-]`)
)

// TestDocumentedFlags: every flag in a document exists, and a command line uses
// only flags of its command.
func TestDocumentedFlags(t *testing.T) {
	root := newRootCommand(&streams{})
	has := func(cmd *cobra.Command, name string) bool {
		return name == "help" || cmd.Flags().Lookup(name) != nil || cmd.InheritedFlags().Lookup(name) != nil
	}
	all := append([]*cobra.Command{root}, root.Commands()...)
	for file, text := range documents(t) {
		switch filepath.Base(file) {
		case "BENCHMARKS.md", "results.md", "CHANGELOG.md": // flags of other programs, and former ones
			continue
		}
		for _, m := range longFlag.FindAllStringSubmatch(text, -1) {
			if !slices.ContainsFunc(all, func(cmd *cobra.Command) bool { return has(cmd, m[1]) }) {
				t.Errorf("%s: no command has --%s", file, m[1])
			}
		}
		for _, line := range commandLine.FindAllStringSubmatch(text, -1) {
			cmd := root
			for _, sub := range root.Commands() {
				if sub.Name() == line[1] {
					cmd = sub
				}
			}
			for _, m := range longFlag.FindAllStringSubmatch(line[2], -1) {
				if !has(cmd, m[1]) {
					t.Errorf("%s: %q: %s has no --%s", file, line[0], cmd.CommandPath(), m[1])
				}
			}
		}
	}
}

// TestDocumentLinks: links into the tree lead to existing files and headings.
func TestDocumentLinks(t *testing.T) {
	for file, text := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			target := file
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(file), filepath.FromSlash(m[1]))
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			if m[2] != "" && !hasHeading(t, target, m[2]) {
				t.Errorf("%s: %s has no heading #%s", file, target, m[2])
			}
		}
	}
}

// hasHeading reports whether a file has a heading with this anchor, as GitHub
// makes it.
func hasHeading(t *testing.T, file, anchor string) bool {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return false
	}
	for _, m := range heading.FindAllStringSubmatch(string(text), -1) {
		if strings.ReplaceAll(noSlug.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-") == anchor {
			return true
		}
	}
	return false
}
