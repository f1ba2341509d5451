#!/bin/sh
# measure.sh prints figures from Go's benchmarks and tests: CPU time and peak memory of
# whole runs without ffmpeg, the speed of the scan, and the bytes that a keyframe costs.
# It checks nothing; the tests limit bytes and allocations.
set -eu

go=${GO:-go}
bench() { # PACKAGE BENCHMARKS TIME
	"$go" test -run '^$' -bench "^($2)\$" -benchtime "$3" "$1" | grep -E '^(Benchmark|---|FAIL)' || true
}

echo "== one keyframe of a 1080p transport stream; one on standard input after 200 MB (20 runs, medians)"
bench ./cmd/kfgrab 'BenchmarkSnapshot|BenchmarkLongPipe' 20x
echo "== transport stream without a keyframe; keyframes of 67 kB and 3.4 MB"
bench ./ts 'BenchmarkScan|BenchmarkLargeAccessUnit' 2s
echo "== 200 RTSP streams of 1 Mbit/s held open: CPU time, memory"
bench ./session 'BenchmarkHeldOpen' 1x
echo "== memory used to find a keyframe; bytes read and requests sent"
"$go" test -count=1 -v -run '^(TestMemoryOfLongPipe|TestBytesFromNginx)$' ./internal/file | sed -n 's/^ *[a-z_]*\.go:[0-9]*: //p'
