package config

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkParse measures the parsing of the largest number of streams that a
// file may have.
func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	text.WriteString("defaults: {every: 1m, sinks: [shots]}\nstreams:\n")
	for i := range MaxStreams {
		fmt.Fprintf(&text, "- name: cam%d\n  url: rtsp://u:${P}@10.0.0.1/%d\n  width: 640\n", i, i)
	}
	for b.Loop() {
		f, err := Parse("cams.yaml", []byte(text.String()), lookup(map[string]string{"P": "hush"}))
		if err != nil || len(f.Streams) != MaxStreams {
			b.Fatal(err)
		}
	}
}
