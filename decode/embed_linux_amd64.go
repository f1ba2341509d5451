//go:build embedffmpeg

package decode

import _ "embed"

// embedded is what scripts/ffmpeg.sh builds, put in by scripts/embed.sh.
//
//go:embed ffmpeg-linux-amd64
var embedded []byte
