#!/bin/sh
# each-module.sh COMMAND… runs COMMAND in the directory of every Go module of this
# tree, the root's last. If it fails in one module it still runs in the others;
# the exit status is then 1.
set -eu

# The go command ignores these directories, too. Without git, because the tree may
# come from an archive.
nested=$(find . -mindepth 2 \( -name '[._]?*' -o -name testdata \) -prune -o -mindepth 2 -name go.mod -print | sort)
failed=
for module in $nested ./go.mod; do
	(cd "${module%/go.mod}" && "$@") || failed="$failed ${module%/go.mod}"
done
[ -z "$failed" ] || { echo "FAIL in the modules:$failed"; exit 1; }
