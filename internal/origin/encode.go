package origin

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// maxStderr bounds how much of ffmpeg's complaint goes into an error.
const maxStderr = 500

// killDelay is how long ffmpeg's pipes may stay open after it was killed.
const killDelay = 2 * time.Second

// encode writes all files of p into dir.
func encode(ctx context.Context, dir string, p Profile, ffmpeg string) error {
	if ffmpeg == "" {
		ffmpeg = "ffmpeg"
	}
	path, err := exec.LookPath(ffmpeg)
	if err != nil {
		return fmt.Errorf("the live streams are made by ffmpeg, which is not there: "+
			"install it (Debian, Ubuntu: apt-get install ffmpeg; macOS: brew install ffmpeg): %w", err)
	}
	// The directory of the run is another one.
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	if err := run(ctx, path, dir, p.encodeArgs(hasClock(ctx, path, dir))); err != nil {
		return err
	}
	if err := run(ctx, path, dir, p.segmentArgs()); err != nil {
		return err
	}
	for _, r := range p.Renditions {
		if err := os.Remove(filepath.Join(dir, r.Name+".mp4")); err != nil {
			return err
		}
	}
	return nil
}

// hasClock tells whether ffmpeg can write text: the filter is optional, and
// fails at run time where no font is installed.
func hasClock(ctx context.Context, ffmpeg, dir string) bool {
	return run(ctx, ffmpeg, dir, []string{
		"-f", "lavfi", "-i", "color=size=64x64" + clock, "-frames:v", "1", "-f", "null", "-",
	}) == nil
}

// run is one run of ffmpeg in dir, killed when ctx ends.
func run(ctx context.Context, ffmpeg, dir string, args []string) error {
	cmd := exec.CommandContext(ctx, ffmpeg, append([]string{"-hide_banner", "-nostdin", "-v", "error", "-y"}, args...)...)
	cmd.Dir = dir
	cmd.WaitDelay = killDelay
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return fmt.Errorf("encoding was stopped: %w", context.Cause(ctx))
	}
	if err != nil {
		return fmt.Errorf("ffmpeg could not make the streams: %w: %s", err, oneLine(out))
	}
	return nil
}

// oneLine is the beginning of what ffmpeg said, where it tells the cause.
func oneLine(out []byte) string {
	text := strings.Join(strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
	return text[:min(len(text), maxStderr)]
}
