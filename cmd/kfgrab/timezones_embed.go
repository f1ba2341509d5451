//go:build embedffmpeg

package main

// The program that is made for machines with nothing installed knows the time zones
// that --time-zone names.
import _ "time/tzdata"
