package main

import (
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kfgrab/kfgrab/decode"
)

// version is that of the newest entry in CHANGELOG.md.
const version = "0.1.0"

func versionLine() string {
	return fmt.Sprintf("kfgrab %s, %s %s/%s", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func newVersionCommand(std *streams) *cobra.Command {
	var d decode.Decoder
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version, the ffmpeg that was found, and what it can do",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprintln(std.out, versionLine())
			path, err := d.Find()
			if err != nil {
				fmt.Fprintln(std.out, describeError(err))
				return nil
			}
			c, err := d.Capabilities(cmd.Context())
			if err != nil {
				return err
			}

			fmt.Fprintf(std.out, "ffmpeg %s, %s\n", c.Version, path)
			for _, row := range []struct {
				what  string
				names []string
			}{{"decoders", c.Decoders}, {"encoders", c.Encoders}, {"filters", c.Filters}, {"missing", c.Missing}} {
				if len(row.names) > 0 {
					fmt.Fprintf(std.out, "%s: %s\n", row.what, strings.Join(row.names, ", "))
				}
			}
			if !isSmallDecoder(path) {
				fmt.Fprintln(std.out, smallDecoderHint)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&d.Path, "ffmpeg", "", "`path` look at this ffmpeg")
	return cmd
}

// smallDecoderHint says what another decoder than the small one costs for H.264 of 1080p,
// depending on the machine: see docs/how-few-bytes.md.
const smallDecoderHint = "kfgrab-ffmpeg next to kfgrab would decode for a quarter to a half of the CPU time: make install builds it"

// isSmallDecoder reports whether a result of decode.Decoder.Find is the ffmpeg that
// scripts/ffmpeg.sh builds: next to kfgrab, or inside of it.
func isSmallDecoder(path string) bool {
	name := strings.TrimSuffix(filepath.Base(path), ".exe")
	return name == "kfgrab-ffmpeg" || path == "(embedded)"
}

func newLicencesCommand(std *streams) *cobra.Command {
	return &cobra.Command{
		Use:     "licenses",
		Aliases: []string{"licences"},
		Short:   "Print the licences of this program and of what it contains",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := io.WriteString(std.out, licences)
			return err
		},
	}
}
