#!/bin/sh
# Builds go2rtc, a streaming server that the benchmark suite compares with, from
# its Go module, and keeps the binary outside the tree. Prints the binary's path.
# KFGRAB_TOOLS names another directory than the user's cache.
set -eu

version=v1.9.14
module=github.com/AlexxIT/go2rtc@$version
dir=${KFGRAB_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/kfgrab-tools}/go2rtc-$version
binary=$dir/go2rtc

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

CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$binary.new" .
mv "$binary.new" "$binary"
echo "$binary"
