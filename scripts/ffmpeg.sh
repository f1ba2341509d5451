#!/bin/sh
# ffmpeg.sh [amd64|arm64] builds a small static ffmpeg for kfgrab from the
# distribution's source package, and prints the directory that holds it and the texts
# of its licences. It builds once for each version of the package and of this file, in
# the user's cache or below the directory KFGRAB_TOOLS. For a foreign architecture it
# uses Debian's cross compiler and unpacks, but does not install, libraries of that
# architecture.
#
# The result is under the LGPL: no part under the GPL is enabled. Everything that kfgrab
# does not use is left out, such as the network.
set -eu

say() { echo "$*" >&2; }
fail() {
	say "ffmpeg.sh: $*"
	exit 1
}

for tool in apt-get dpkg-query; do
	command -v $tool >/dev/null 2>&1 || fail "this needs a Debian-based system with $tool. Without kfgrab-ffmpeg, kfgrab uses the ffmpeg in PATH"
done
machine=$(dpkg --print-architecture)
arch=${1:-$machine}
case $arch in
amd64) triple=x86_64-linux-gnu cpu=x86_64 ;;
arm64) triple=aarch64-linux-gnu cpu=aarch64 ;;
*) [ "$arch" = "$machine" ] || fail "cannot build for $arch" ;;
esac

# Debian's packages have static libraries as well. libstdc++, which zimg needs, comes
# with the compiler.
libraries="zlib1g-dev libwebp-dev libzimg-dev"
tools="dpkg-dev make pkg-config ca-certificates"
case $arch in amd64 | i386) tools="$tools nasm" ;; esac
if [ "$arch" = "$machine" ]; then
	needed="gcc g++ libc6-dev $tools $libraries" prefix=
else
	gnu=$(echo $triple | tr _ -)
	needed="gcc-$gnu g++-$gnu libc6-dev-$arch-cross $tools" prefix=$triple-
fi

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

missing_packages() {
	missing=
	for package in $needed; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
	done
}

install_packages() {
	missing_packages
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
		fail "missing, and this is neither root nor sudo without a password; run: sudo apt-get install --no-install-recommends$missing"
	fi
	say "installing:$missing"
	# shellcheck disable=SC2086 # a list of words
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $missing </dev/null >&2 ||
		fail "apt-get could not install:$missing"
}

# apt-get with its own package lists, for sources and for $arch. The machine's lists
# stay as they are.
own_apt() {
	command=$1
	shift
	"$command" -q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$apt/parts" \
		-o Dir::State::Lists="$apt/lists" -o Dir::State::Status="$apt/status" -o Dir::Cache="$apt/cache" \
		-o APT::Architecture="$arch" -o APT::Architectures="$arch" -o APT::Sandbox::User= "$@"
}

own_lists() {
	apt=$work/apt types=deb-src
	[ -z "$prefix" ] || types='deb deb-src'
	mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial"
	: >"$apt/status"
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
		[ -r "$file" ] || continue
		to=$apt/parts/${file##*/}
		case $file in
		*.sources) grep -Eq '(debian|ubuntu)-archive' "$file" && sed "s/^Types:.*/Types: $types/; /^Architectures:/d" "$file" >"$to" ;;
		*.list) for type in $types; do sed -n "s/^deb /$type /p" "$file" | grep -E 'debian|ubuntu' >>"$to"; done ;;
		esac || :
	done
	own_apt apt-get update </dev/null >&2 || say "some package lists were not read"
}

# Unpacks libraries of a foreign architecture without installing them.
unpack_libraries() {
	root=$work/root
	mkdir "$work/debs" "$root"
	cd "$work/debs"
	# shellcheck disable=SC2086 # a list of words
	own_apt apt-get download $libraries </dev/null >&2
	for package in *.deb; do dpkg-deb -x "$package" "$root"; done
	cd "$work"
	export PKG_CONFIG_LIBDIR="$root/usr/lib/$triple/pkgconfig:$root/usr/share/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root"
}

# Processes that decode many frames read IVF.
configure_flags() {
	cat <<-'END'
		--disable-everything
		--disable-autodetect
		--disable-network
		--disable-doc
		--disable-debug
		--disable-avdevice
		--disable-postproc
		--disable-ffplay
		--disable-ffprobe
		--enable-static
		--disable-shared
		--pkg-config=pkg-config
		--pkg-config-flags=--static
		--enable-zlib
		--enable-libwebp
		--enable-libzimg
		--enable-protocol=pipe
		--enable-demuxer=h264,hevc,ivf,mjpeg
		--enable-parser=h264,hevc,mjpeg
		--enable-decoder=h264,hevc,mjpeg
		--enable-muxer=image2pipe,rawvideo
		--enable-encoder=mjpeg,png,rawvideo,libwebp
		--enable-filter=bwdif,crop,format,fps,hflip,null,pad,scale,select,setparams,setpts,setsar,settb,tonemap,transpose,vflip,yadif,zscale
	END
	[ -z "$prefix" ] || echo "--enable-cross-compile --cross-prefix=$prefix --arch=$cpu --target-os=linux"
}

compile() {
	# shellcheck disable=SC2046 # a list of words
	./configure $(configure_flags) --extra-version="${version##*-}" --extra-cflags="${root:+-I$root/usr/include}" --extra-ldflags="-static${root:+ -L$root/usr/lib/$triple}" \
		--extra-libs="-lstdc++ -lm" >"$work/log" 2>&1 &&
		make -j"$(nproc)" ffmpeg >>"$work/log" 2>&1 &&
		"${prefix}strip" ffmpeg && return
	tail -n 20 "$work/log" >&2
	fail "ffmpeg could not be built for $arch"
}

# The licences of everything that is linked into the program.
licences() {
	cat <<-END
		==== ffmpeg ====

		ffmpeg $version was built by kfgrab's scripts/ffmpeg.sh from the distribution's source
		package of that name and version, without the parts that are under the GPL. It is under
		the GNU Lesser General Public License:

	END
	cat COPYING.LGPLv2.1
	for package in $libraries libc6-dev libgcc-s1; do
		text=$root/usr/share/doc/$package/copyright
		[ -e "$text" ] || text=/usr/share/doc/$package/copyright
		[ -e "$text" ] || continue
		printf '\n\n==== %s, linked into ffmpeg ====\n\n' "$package"
		cat "$text"
	done
}

root= # directory of unpacked libraries
build() {
	work=$(mktemp -d "$dir.XXXXXX")
	trap 'rm -rf --one-file-system "$work"' EXIT
	trap 'exit 130' INT TERM
	own_lists
	[ -z "$prefix" ] || unpack_libraries
	cd "$work"
	own_apt apt-get source "ffmpeg=$version" </dev/null >&2
	cd ffmpeg-*/
	compile
	mkdir -p "$dir"
	licences >"$dir/LICENCES"
	echo "$version" >"$dir/VERSION"
	mv ffmpeg "$dir/ffmpeg.new"
	mv "$dir/ffmpeg.new" "$dir/ffmpeg"
}

version=$(apt-cache policy ffmpeg | sed -n 's/^ *Candidate: *//p')
case $version in '' | '(none)') fail "apt has no package ffmpeg: run apt-get update" ;; esac
recipe=$(cksum <"$0" | cut -d' ' -f1)
dir=${KFGRAB_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/kfgrab-tools}/ffmpeg-$(echo "$version" | tr -c 'A-Za-z0-9.\n' -)-$arch-$recipe
if [ ! -x "$dir/ffmpeg" ]; then
	mkdir -p "${dir%/*}"
	install_packages
	build
fi
echo "$dir"
