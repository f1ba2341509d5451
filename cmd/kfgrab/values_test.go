package main

import (
	"testing"

	"github.com/spf13/pflag"
)

// TestTimeFlagsTakeEverySpelling: every flag that takes a time takes seconds, units
// and colons.
func TestTimeFlagsTakeEverySpelling(t *testing.T) {
	seen := 0
	for _, cmd := range allCommands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Value.Type() != "time" {
				return
			}
			seen++
			for _, text := range []string{"10", "10s", "1m30s", "00:01:30", "90.5", "1:30", "2h", "1d"} {
				if err := f.Value.Set(text); err != nil {
					t.Errorf("%s --%s %s: %v", cmd.Name(), f.Name, text, err)
				}
			}
			for _, text := range []string{"soon", "5 m", "1:60", "5y", ""} {
				if f.Value.Set(text) == nil {
					t.Errorf("%s --%s takes %q", cmd.Name(), f.Name, text)
				}
			}
		})
	}
	if seen < 20 {
		t.Errorf("only %d flags", seen)
	}
}
