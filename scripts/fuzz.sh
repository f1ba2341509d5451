#!/bin/sh
# Runs each fuzz target for the time given (10s), and fails with the first that does.
set -eu

time=${1:-10s}
grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sort | while IFS=: read -r file name; do
	name=${name#func }
	echo "== ${file%/*} $name"
	${GO:-go} test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "${file%/*}"
done
