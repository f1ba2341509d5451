#!/bin/sh
# dist.sh builds static programs with ffmpeg inside: dist/kfgrab-linux-amd64 and, if
# this machine can, dist/kfgrab-linux-arm64.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir -p dist
for arch in amd64 arm64; do
	if ! sh scripts/embed.sh $arch ./cmd/kfgrab "$work"; then
		echo "dist: no kfgrab-linux-$arch" >&2
		continue
	fi
	mv "$work/program" dist/kfgrab-linux-$arch
	[ "$arch" != "$(dpkg --print-architecture)" ] || dist/kfgrab-linux-$arch version
done
ls -l dist
