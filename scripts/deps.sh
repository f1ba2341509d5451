#!/bin/sh
# deps.sh demo|test|bench installs what the demo, the tests or the benchmark suite
# need and this machine lacks, with apt, as root or through sudo -n. If nothing is
# missing it does nothing and does not read the package lists.
#
# The demo needs ffmpeg, so a missing ffmpeg is an error. The tests skip what they
# cannot run, and the suite leaves contestants out; for them, a missing package is
# only a message.
set -eu

for_what=${1:-test}

have() { command -v "$1" >/dev/null 2>&1; }
have_package() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
# Debian's gcc does not install the C library's headers by itself.
have_compiler() { echo '#include <stdlib.h>' | cc -E -x c - >/dev/null 2>&1; }
# A user's PATH on Debian has no sbin.
have_nginx() { have nginx || [ -x /usr/sbin/nginx ]; }

missing=
need() { missing="$missing $*"; }

missing_packages() {
	missing=
	{ have ffmpeg && have ffprobe; } || need ffmpeg
	[ "$for_what" = demo ] && return
	have_nginx || need nginx
	have cvlc || need vlc-bin vlc-plugin-base
	have curl || need curl
	have exiftool || need libimage-exiftool-perl
	have chromium || need chromium fonts-dejavu-core
	# The race detector is built with cgo; the corpus checker is Python.
	have_compiler || need gcc libc6-dev
	have python3 || need python3-minimal
	have dpkg-query || return 0
	for package in gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-base \
		gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly; do
		have_package $package || need $package
	done
	[ "$for_what" = bench ] || return 0
	have streamlink || need streamlink
	have gst-launch-1.0 || need gstreamer1.0-tools
	have_package gstreamer1.0-libav || need gstreamer1.0-libav
	{ have ip && have tc; } || need iproute2
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_be_root() {
	[ "$(id -u)" = 0 ] || { have sudo && sudo -n true 2>/dev/null; }
}

# Debian starts a web server on port 80 when nginx is installed. Debian's own way
# to forbid that is policy-rc.d; one that is there already is left alone.
policy=/usr/sbin/policy-rc.d
policy_made=
forbid_nginx_to_start() {
	[ -e $policy ] && return
	policy_made=yes
	as_root tee $policy >/dev/null <<-'EOF'
		#!/bin/sh
		# Written by kfgrab's scripts/deps.sh during its installation.
		case " $* " in *" nginx "* | *" nginx.service "*) exit 101 ;; esac
		exit 0
	EOF
	as_root chmod 755 $policy
}
allow_nginx_to_start() {
	[ -z "$policy_made" ] || as_root rm -f $policy
	policy_made=
}

install_packages() {
	trap allow_nginx_to_start EXIT
	trap 'exit 130' INT TERM
	case " $missing " in *" nginx "*) forbid_nginx_to_start ;; esac
	echo "installing:$missing"
	apt="as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300"
	# A package list that cannot be read may not be the one that is needed.
	$apt update </dev/null || echo "apt-get update failed; trying with the existing lists"
	# shellcheck disable=SC2086 # a list of words
	$apt install -y --no-install-recommends $missing </dev/null || return 1
	case " $missing " in
	*" nginx "*) if have systemctl; then as_root systemctl --quiet disable nginx.service || true; fi ;;
	esac
	allow_nginx_to_start
}

missing_packages
if [ -n "$missing" ]; then
	wanted=$missing
	if ! have apt-get; then
		echo "missing, and no apt-get to install it (Debian's names):$missing" >&2
	elif ! can_be_root; then
		echo "missing, and this is neither root nor sudo without a password; run:" >&2
		echo "  sudo apt-get update && sudo apt-get install --no-install-recommends$missing" >&2
	elif ! install_packages; then
		echo "apt-get could not install:$wanted" >&2
	fi
	missing_packages
	case " $missing " in
	*" ffmpeg "*)
		if [ "$for_what" = demo ]; then
			echo "the demo cannot run without ffmpeg" >&2
			exit 1
		fi
		;;
	esac
	[ -z "$missing" ] || echo "going on without:$missing" >&2
fi

case $for_what in
test) tool=mediamtx without="the tests that need it are skipped" ;;
bench) tool=go2rtc without="it is left out" ;;
*) exit 0 ;;
esac
sh testdata/tools/$tool.sh >/dev/null || echo "$tool was not built; $without" >&2
