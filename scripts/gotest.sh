#!/bin/sh
# gotest.sh runs the tests of every module, with the race detector if it can be
# built: it needs cgo, and so a C compiler with the C library's headers.
set -eu

go=${GO:-go}
race=-race
if ! echo '#include <stdlib.h>' | $($go env CC) -E -x c - >/dev/null 2>&1 || [ "$($go env CGO_ENABLED)" != 1 ]; then
	echo "no C compiler, or cgo is off: the tests run without the race detector"
	race=
fi
# The whole run may take 15 minutes; a test that hangs has to show its goroutines
# before that.
exec sh scripts/each-module.sh "$go" test $race -timeout 12m ./...
