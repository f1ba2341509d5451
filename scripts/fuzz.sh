#!/bin/sh
# Runs each fuzz target for the time given (10s), and fails with the first that does.
# Go makes each new input smaller for up to a minute before it goes on: of files of
# some kilobytes FuzzProtected tried 12 in 16 s, and 220,000 in 10 s with 100 tries
# at that.
set -eu

time=${1:-10s}
grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sort | while IFS=: read -r file name; do
	name=${name#func }
	echo "== ${file%/*} $name"
	${GO:-go} test -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 100x "${file%/*}"
done
