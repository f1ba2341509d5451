#!/bin/sh
# Builds go2rtc, a streaming server that the benchmark suite compares with, and
# prints where it is. See build.sh.
set -eu
. "$(dirname "$0")/build.sh"

build github.com/AlexxIT/go2rtc v1.9.14
