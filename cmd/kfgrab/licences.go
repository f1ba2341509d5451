package main

import (
	"io"

	"github.com/spf13/cobra"
)

func newLicencesCommand(std *streams) *cobra.Command {
	return &cobra.Command{
		Use:     "licenses",
		Aliases: []string{"licences"},
		Short:   "Print the licences of what this program holds",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := io.WriteString(std.out, licences)
			return err
		},
	}
}
