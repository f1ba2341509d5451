package config_test

import (
	"fmt"

	"github.com/kfgrab/kfgrab/internal/config"
)

func Example() {
	text := []byte(`
defaults: {every: 5m, width: 640}
streams:
  - name: gate
    url: rtsp://admin:${GATE_PASSWORD}@10.0.0.7/stream1
  - name: yard
    url: https://example.com/yard.m3u8
    cron: "0 6-21 * * *"
    sinks: [shots]
`)
	lookup := config.Lookup{Env: func(string) (string, bool) { return "hush", true }}
	f, err := config.Parse("cams.yaml", text, lookup)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Streams[0].URL)
	fmt.Print(f.Plan())
	// Output:
	// rtsp://admin:hush@10.0.0.7/stream1
	// 2 streams, at once at most 64, and 8 of one host
	// gate: rtsp://xxxxx@10.0.0.7/stream1
	//   every 5m
	//   jpeg, 640 wide
	// yard: https://example.com/yard.m3u8
	//   cron 0 6-21 * * * UTC
	//   jpeg, 640 wide
	//   to shots, {name}/{date}/{time}.{ext}, {name}/latest.{ext}
}

// Parse reports all errors at once.
func ExampleParse() {
	_, err := config.Parse("cams.yaml", []byte(`
streams:
  - name: gate
    url: rtsp://admin:${GATE_PASSWORD}@10.0.0.7/stream1
    widht: 640
    every: soon
`), config.Lookup{})
	fmt.Println(err)
	// Output:
	// cams.yaml:4:10: url: the environment has no variable GATE_PASSWORD
	// cams.yaml:5:5: widht: unknown key in a stream; did you mean width?
	// cams.yaml:6:12: every: "soon" is not a time; write 20, 20s, 1m30s or 00:01:30
}
