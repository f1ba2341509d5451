#!/bin/sh
# fuzz.sh [TIME] runs each fuzz target for TIME (10s) and stops at the first that
# fails.
#
# Go minimizes each new input for up to a minute before it goes on. With files of
# some kilobytes, FuzzProtected tried 12 inputs in 16 s; limited to 100 attempts of
# minimizing, 220,000 in 10 s.
set -eu

time=${1:-10s}
grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sort | while IFS=: read -r file name; do
	name=${name#func }
	echo "== ${file%/*} $name"
	(cd "${file%/*}" && ${GO:-go} test -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 100x .)
done
