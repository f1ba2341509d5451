#!/bin/sh
# embed.sh ARCH PACKAGE DIRECTORY [TAG] builds PACKAGE for Linux on ARCH as the static
# program DIRECTORY/program with ffmpeg inside, and DIRECTORY/licences.txt with the
# licences of everything in it. If the package embeds a file licences.txt, it gets that
# one. The ffmpeg is from scripts/ffmpeg.sh, or from the directory KFGRAB_FFMPEG_BUILD,
# which that script has made before.
set -eu

go=${GO:-go}
arch=$1 package=$2 out=$3 tag=${4:-}
export CGO_ENABLED=0 GOOS=linux GOARCH="$arch"

say() { echo "$package for $arch: $*" >&2; }

say "ffmpeg, which takes minutes unless this machine has built it before"
ffmpeg=${KFGRAB_FFMPEG_BUILD:-$(sh scripts/ffmpeg.sh "$arch")}

modules() {
	$go list -C "$package" -deps -tags "$tag" -f '{{with .Module}}{{if not (or .Main .Replace)}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' . | sort -u
}

# All licences, and the offer that ffmpeg's requires.
licences() {
	cat <<-END
		==== kfgrab ====

	END
	cat LICENSE
	printf '\n\n==== Go ====\n\n'
	cat "$($go env GOROOT)/LICENSE"
	modules | while read -r module version dir; do
		found=
		for text in "$dir"/LICEN[SC]E* "$dir"/UNLICENSE* "$dir"/COPYING* "$dir"/NOTICE*; do
			[ -f "$text" ] || continue
			found=yes
			printf '\n\n==== %s %s ====\n\n' "$module" "$version"
			cat "$text"
		done
		[ -n "$found" ] || { echo "embed: $module has no licence" >&2; exit 1; }
	done
	cat <<-END


		==== The source of ffmpeg ====

		This program holds ffmpeg $(cat "$ffmpeg/VERSION") and runs it as a program of its own. Its
		source, with that of the libraries linked into it, is in the distribution's source
		packages of these versions, and scripts/ffmpeg.sh of kfgrab's source builds it from
		them. Whoever gives you this program offers, for three years from then on, to give
		you that source on request, for no more than the cost of handing it over. To run an
		ffmpeg of your own instead, put it beside this program as kfgrab-ffmpeg, or name it
		with KFGRAB_FFMPEG or, on the command line, --ffmpeg.

	END
	cat "$ffmpeg/LICENCES"
}

mkdir -p "$out"
say "licences"
licences >"$out/licences.txt"
cat >"$out/overlay.json" <<END
{"Replace": {
"$PWD/decode/ffmpeg-linux-$arch": "$ffmpeg/ffmpeg",
"$PWD/${package#./}/licences.txt": "$out/licences.txt"
}}
END
say "the program"
$go build -C "$package" -overlay "$out/overlay.json" -trimpath -tags "embedffmpeg $tag" -ldflags '-s -w' -o "$out/program" .
rm "$out/overlay.json"
