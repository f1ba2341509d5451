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

// maxStderr bounds how much of ffmpeg's output an error contains.
const maxStderr = 500

// killDelay is how long ffmpeg's pipes may stay open after it was killed.
const killDelay = 2 * time.Second

// encodeProfile writes all files of p into dir.
func encodeProfile(ctx context.Context, dir string, p Profile, ffmpeg string) error {
	if ffmpeg == "" {
		ffmpeg = "ffmpeg"
	}
	path, err := exec.LookPath(ffmpeg)
	if err != nil {
		return fmt.Errorf("making the live streams needs ffmpeg: "+
			"install it (Debian, Ubuntu: apt-get install ffmpeg; macOS: brew install ffmpeg): %w", err)
	}
	// ffmpeg runs in another directory.
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	if err := runFFmpeg(ctx, path, dir, p.encodeArgs(hasClock(ctx, path, dir))); err != nil {
		return err
	}
	if err := runFFmpeg(ctx, path, dir, p.segmentArgs()); err != nil {
		return err
	}

	for _, r := range p.Renditions {
		if err := os.Remove(filepath.Join(dir, r.Name+".mp4")); err != nil {
			return err
		}
	}

	return nil
}

// hasClock reports whether ffmpeg can draw text. The filter is optional and needs a font.
func hasClock(ctx context.Context, ffmpeg, dir string) bool {
	return runFFmpeg(ctx, ffmpeg, dir, []string{
		"-f", "lavfi", "-i", "color=size=64x64" + clock, "-frames:v", "1", "-f", "null", "-",
	}) == nil
}

// runFFmpeg runs ffmpeg in dir. It is killed when ctx ends.
func runFFmpeg(ctx context.Context, ffmpeg, dir string, args []string) error {
	cmd := exec.CommandContext(ctx, ffmpeg, append([]string{"-hide_banner", "-nostdin", "-v", "error", "-y"}, args...)...)
	cmd.Dir = dir
	cmd.WaitDelay = killDelay
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return fmt.Errorf("encoding was stopped: %w", context.Cause(ctx))
	}
	if err != nil {
		return fmt.Errorf("ffmpeg could not make the streams: %w: %s", err, joinLines(out))
	}
	return nil
}

// joinLines returns the beginning of ffmpeg's output, which states the cause.
func joinLines(out []byte) string {
	text := strings.Join(strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
	return text[:min(len(text), maxStderr)]
}
