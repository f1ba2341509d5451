package main

import (
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/origin"
)

// BenchmarkZip takes JPEGs, 640 pixels wide, from a broadcaster's 1080p ladder.
// init is the time until the function asks for its first event, first that of
// the first invocation.
func BenchmarkZip(b *testing.B) {
	o, err := origin.Start(b.Context(), nil)
	if err != nil {
		b.Skip(err)
	}
	defer o.Close()
	dir, embedded := bundle(b)
	if !embedded {
		b.Skip(noDecoder)
	}
	for name, order := range map[string]map[string]any{
		"360p":  {"url": o.HLS(origin.TS), "width": 640},
		"1080p": {"url": o.HLS(origin.TS)},
	} {
		event := encode(b, order)
		b.Run(name+"/cold", func(b *testing.B) {
			var initial, first time.Duration
			for b.Loop() {
				p := start(b, dir)
				began := time.Now()
				p.invoke(b, event, testTime)
				initial, first = initial+p.Init, first+time.Since(began)
				p.kill(b)
			}
			b.ReportMetric(float64(initial.Milliseconds())/float64(b.N), "init-ms")
			b.ReportMetric(float64(first.Milliseconds())/float64(b.N), "first-ms")
		})
		b.Run(name+"/warm", func(b *testing.B) {
			p := start(b, dir)
			p.invoke(b, event, testTime)
			for b.Loop() {
				p.invoke(b, event, testTime)
			}
			memory := peak(b, p.cmd.Process.Pid)
			for _, pid := range p.children(b) {
				memory += peak(b, pid)
			}
			b.ReportMetric(memory, "VmHWM-MB")
			p.kill(b)
		})
	}
}
