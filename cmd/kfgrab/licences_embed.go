//go:build embedffmpeg

package main

import _ "embed"

// licences is put together by scripts/embed.sh.
//
//go:embed licences.txt
var licences string
