//go:build embedffmpeg

package decode

import _ "embed"

// embedded is what scripts/ffmpeg.sh builds, put here by scripts/dist.sh.
//
//go:embed ffmpeg-linux-arm64
var embedded []byte
