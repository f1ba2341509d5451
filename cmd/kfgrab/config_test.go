package main

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab/internal/config"
)

func TestFlagsOfOnePictureAreKeysOfTheConfiguration(t *testing.T) {
	others := map[string]string{"header": "headers", "output": "", "json": "", "show": "", "verbose": "", "quiet": "", "size": "", "ffmpeg": ""}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	new(sourceFlags).addSourceFlags(flags)
	new(pictureFlags).addPictureFlags(flags)
	flags.VisitAll(func(f *pflag.Flag) {
		key, other := others[f.Name]
		if !other {
			key = strings.ReplaceAll(f.Name, "-", "_")
		}
		if key == "" {
			return
		}
		_, err := config.Parse("", []byte("streams: [{name: cam, url: \"rtsp://camera/\", "+key+": }]"), config.Lookup{})
		if err == nil || strings.Contains(err.Error(), "unknown key") {
			t.Errorf("--%s: %v", f.Name, err)
		}
	})
}
