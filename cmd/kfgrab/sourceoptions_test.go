package main

import (
	"slices"
	"testing"

	"github.com/kfgrab/kfgrab/internal/sourcekind"
)

// TestOptionFlags proves that each option that a source may refuse has its flag.
func TestOptionFlags(t *testing.T) {
	flags := newRootCommand(&streams{}).Flags()
	for _, option := range sourcekind.Options() {
		name, listed := optionFlags[option]
		if !listed || (name != "" && flags.Lookup(name) == nil) {
			t.Errorf("option %s: flag %q", option, name)
		}
	}
	for option := range optionFlags {
		if !slices.Contains(sourcekind.Options(), option) {
			t.Errorf("%s is no option of the table", option)
		}
	}
}

// TestFormatFlags walks through every format and every flag about the picture.
func TestFormatFlags(t *testing.T) {
	refused := map[string][]string{
		"jpeg":   nil,
		"png":    {"quality=80"},
		"webp":   {"overlay=true"},
		"rgb24":  {"quality=80", "overlay=true"},
		"bgr24":  {"quality=80", "overlay=true"},
		"annexb": {"quality=80", "overlay=true", "fit=cover", "crop=1x1+0+0", "deinterlace=off", "max-pixels=1M", "allow-tiles=true"},
		"mp4":    {"quality=80", "overlay=true", "fit=cover", "crop=1x1+0+0", "deinterlace=off", "max-pixels=1M", "allow-tiles=true"},
		"json":   {"quality=80", "overlay=true", "fit=cover", "crop=1x1+0+0", "deinterlace=off", "max-pixels=1M", "deterministic=true", "no-metadata=true"},
	}
	for name, list := range refused {
		f, err := parseFormat(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, setting := range []string{
			"quality=80", "overlay=true", "overlay=false", "fit=cover", "crop=1x1+0+0", "deinterlace=off", "max-pixels=1M", "deterministic=true", "no-metadata=true",
			"allow-tiles=true", "skip-black=3", "width=5", "height=5", "json=true",
		} {
			flags := newRootCommand(&streams{}).Flags()
			if err := flags.Parse([]string{"--" + setting}); err != nil {
				t.Fatal(err)
			}
			if err := checkFormatFlags(flags, f, false); (err != nil) != slices.Contains(list, setting) {
				t.Errorf("%s, --%s: %v", name, setting, err)
			}
		}
	}
}
