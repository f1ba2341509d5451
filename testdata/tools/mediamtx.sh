#!/bin/sh
# Builds MediaMTX, a streaming server that the tests run against, from its Go
# module, and keeps the binary outside the tree. Prints the binary's path.
# KFGRAB_TOOLS names another directory than the user's cache.
set -eu

version=v1.21.0
module=github.com/bluenviron/mediamtx@$version
dir=${KFGRAB_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/kfgrab-tools}/mediamtx-$version
binary=$dir/mediamtx

if [ -x "$binary" ]; then
	echo "$binary"
	exit 0
fi

mkdir -p "$dir"
src=$(mktemp -d "$dir/src-XXXXXX")
trap 'chmod -R u+w "$src"; rm -rf "$src"' EXIT INT TERM

cd "$src"
module_dir=$(GOFLAGS=-mod=mod go mod download -json "$module" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",$/\1/p')
cp -R "$module_dir/." "$src"
chmod -R u+w "$src"

# Two files that the module embeds and its releases generate. The second is the
# player of a web page, which no test opens.
printf %s "$version" >"$src/internal/core/VERSION"
echo '// not needed by the tests' >"$src/internal/servers/hls/hls.min.js"

CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$binary.new" .
mv "$binary.new" "$binary"
echo "$binary"
