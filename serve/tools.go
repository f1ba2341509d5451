package serve

import (
	"context"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab/decode"
)

// tools is what is known of the decoder.
type tools struct {
	asking  sync.Mutex // held while the decoder is asked for its version
	path    string     // of which version is
	version string

	mu      sync.Mutex
	looked  time.Time
	missing error // as of then, nil where there is a decoder
}

// lookAgain is how long what was found of the decoder is taken for true.
const lookAgain = 5 * time.Second

// check says whether there is a decoder, before a stream is touched for nothing.
func (t *tools) check(d *decode.Decoder) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := time.Now(); now.Sub(t.looked) > lookAgain {
		t.looked = now
		_, t.missing = d.Find()
	}
	return t.missing
}

type decoderReport struct {
	Found   bool   `json:"found"`
	Version string `json:"version,omitempty"`
	Error   string `json:"error,omitempty"`
}

// versionTimeout is for a program that prints a line.
const versionTimeout = 5 * time.Second

// report finds the decoder, each time, and asks for its version where it is another one.
func (t *tools) report(ctx context.Context, d *decode.Decoder) decoderReport {
	path, err := d.Find()
	if err != nil {
		return decoderReport{Error: "no ffmpeg: pictures cannot be made, .mp4, .h264 and .h265 can"}
	}
	t.asking.Lock()
	defer t.asking.Unlock()
	if t.path != path {
		ctx, cancel := context.WithTimeout(ctx, versionTimeout)
		defer cancel()
		version, err := d.Version(ctx)
		if err != nil {
			return decoderReport{Found: true, Error: "its version is not known"}
		}
		t.path, t.version = path, version
	}
	return decoderReport{Found: true, Version: t.version}
}
