#!/bin/sh
# lambda.sh [ARCH…] builds zips for the AWS Lambda runtime provided.al2023 in dist/ or in
# the directory DIST: kfgrab-lambda-arm64.zip and kfgrab-lambda-amd64.zip, for the
# architectures that Lambda calls arm64 and x86_64. Each holds the program with ffmpeg
# inside, and the licences. The same source, Go and ffmpeg give the same bytes.
set -eu

most=20000000 # bytes; Lambda itself accepts 50 MB

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
out=${DIST:-dist}
mkdir -p "$out"
for arch in ${*:-arm64 amd64}; do
	if ! sh scripts/embed.sh "$arch" ./lambda "$work" lambda.norpc; then
		echo "lambda: no kfgrab-lambda-$arch.zip" >&2
		continue
	fi
	mv "$work/program" "$work/bootstrap" # the name that the runtime expects
	zip=$out/kfgrab-lambda-$arch.zip
	"${GO:-go}" run -C lambda ./pack "$(realpath "$zip")" "$work/bootstrap" "$work/licences.txt"
	size=$(wc -c <"$zip")
	[ "$size" -le $most ] || { echo "lambda: $zip has $size bytes; the limit is $most" >&2; exit 1; }
	ls -l "$zip"
done
