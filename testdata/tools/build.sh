# Read by the scripts beside it, not run. build MODULE VERSION builds the main
# package of a Go module, keeps the binary outside the tree under the module's last
# name, and prints its path. Where there is a function called prepare, it runs in
# the module's copy before. KFGRAB_TOOLS names another directory than the user's
# cache.
build() {
	name=${1##*/}
	dir=${KFGRAB_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/kfgrab-tools}/$name-$2
	binary=$dir/$name
	if [ -x "$binary" ]; then
		echo "$binary"
		return
	fi
	mkdir -p "$dir"
	src=$(mktemp -d "$dir/src-XXXXXX")
	trap 'chmod -R u+w "$src"; rm -rf "$src"' EXIT INT TERM
	cd "$src"
	module_dir=$(GOFLAGS=-mod=mod go mod download -json "$1@$2" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",$/\1/p')
	cp -R "$module_dir/." "$src"
	chmod -R u+w "$src"
	if command -v prepare >/dev/null; then prepare; fi
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$binary.new" .
	mv "$binary.new" "$binary"
	echo "$binary"
}
