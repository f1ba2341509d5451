#!/bin/sh
# Builds MediaMTX, a streaming server that the tests run against, and prints where
# it is. See build.sh.
set -eu
. "$(dirname "$0")/build.sh"

version=v1.21.0

# Two files that the module embeds and its releases generate. The second is the
# player of a web page, which no test opens.
prepare() {
	printf %s "$version" >internal/core/VERSION
	echo '// not needed by the tests' >internal/servers/hls/hls.min.js
}

build github.com/bluenviron/mediamtx $version
