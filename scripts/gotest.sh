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
# A test that hangs has to show its goroutines. Package decode starts hundreds of
# processes: on a machine where that is slow it takes 14 minutes, and more on a busy one.
exec sh scripts/each-module.sh "$go" test $race -timeout 25m ./...
