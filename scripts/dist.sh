#!/bin/sh
# dist.sh leaves in dist/ one static program per platform that has its ffmpeg within
# it: kfgrab-linux-amd64, and kfgrab-linux-arm64 where that can be built.
set -eu

go=${GO:-go}
embedded=decode/ffmpeg-linux-
notices=cmd/kfgrab/licences.txt
trap 'rm -f "$embedded"* "$notices"' EXIT
trap 'exit 130' INT TERM

# The texts of all that is in the program, and the offer that goes with ffmpeg's.
licences() { # DIRECTORY
	cat <<-END
		==== kfgrab ====

	END
	cat LICENSE
	printf '\n\n==== Go ====\n\n'
	cat "$($go env GOROOT)/LICENSE"
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch $go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/kfgrab |
		sort -u | while read -r module version dir; do
		found=
		for text in "$dir"/LICEN[SC]E* "$dir"/UNLICENSE* "$dir"/COPYING* "$dir"/NOTICE*; do
			[ -f "$text" ] || continue
			found=yes
			printf '\n\n==== %s %s ====\n\n' "$module" "$version"
			cat "$text"
		done
		[ -n "$found" ] || { echo "dist: $module comes without a licence" >&2; exit 1; }
	done
	cat <<-END


		==== The source of ffmpeg ====

		This program holds ffmpeg $(cat "$1/VERSION") and runs it as a program of its own. Its
		source, with that of the libraries linked into it, is in the distribution's source
		packages of these versions, and scripts/ffmpeg.sh of kfgrab's source builds it from
		them. Whoever gives you this program offers, for three years from then on, to give
		you that source on request, for no more than the cost of handing it over. To run an
		ffmpeg of your own instead, put it beside this program as kfgrab-ffmpeg, or name it
		with --ffmpeg or KFGRAB_FFMPEG.

	END
	cat "$1/LICENCES"
}

mkdir -p dist
for arch in amd64 arm64; do
	if ! dir=$(sh scripts/ffmpeg.sh $arch); then
		echo "dist: no kfgrab-linux-$arch" >&2
		continue
	fi
	cp "$dir/ffmpeg" $embedded$arch
	licences "$dir" >$notices
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch $go build -trimpath -tags embedffmpeg -ldflags '-s -w' -o dist/kfgrab-linux-$arch ./cmd/kfgrab
	[ "$arch" != "$(dpkg --print-architecture)" ] || dist/kfgrab-linux-$arch version
done
ls -l dist
