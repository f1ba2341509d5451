//go:build embedffmpeg

package decode

import _ "embed"

// embedded is the ffmpeg that scripts/ffmpeg.sh builds and scripts/embed.sh adds.
//
//go:embed ffmpeg-linux-arm64
var embedded []byte
