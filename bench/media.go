package bench

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Rendition is one step of the ladder.
type Rendition struct {
	Name          string
	Width, Height int
	Bandwidth     int // bits per second
}

// ladder has the best rendition first.
var ladder = []Rendition{
	{"1080p", 1920, 1080, 5_000_000},
	{"720p", 1280, 720, 2_500_000},
	{"360p", 640, 360, 800_000},
}

const (
	frameRate   = 25
	windowSize  = 6 // segments in a live playlist
	shortWindow = 3 // if segments are long or slow to make
	// moments is the number of moments at which runs look at a stream, in turn. Each has
	// another newest keyframe. The window moves on once more for the second grab.
	moments        = 3
	ladderSegments = windowSize + moments
	segmentTime    = 6 * time.Second
	dvrSegmentTime = 4 * time.Second
	longGOP        = 10 * time.Second
	partsInSegment = 12 // of half a second
)

// set is a directory of media that ffmpeg makes once, in several runs. Later runs may
// use the files of earlier ones.
type set struct {
	name string
	runs []string // ffmpeg's arguments, separated by spaces
}

// testPattern returns ffmpeg's input for a rendition: a test pattern that moves as a
// whole, so that no two pictures are alike, with grain, so that the encoder has to work as
// with a camera's picture. ffmpeg makes its colours in BT.601, which a high-definition
// stream must signal.
func testPattern(r Rendition, length time.Duration) string {
	return fmt.Sprintf("-f lavfi -i testsrc2=size=%dx%d:rate=%d:duration=%[4]d,scroll=horizontal=0.003:vertical=0.001,noise=alls=4:allf=t,format=yuv420p -f lavfi -i sine=frequency=440:sample_rate=48000:duration=%[4]d "+
		"-colorspace smpte170m -color_primaries smpte170m -color_trc smpte170m",
		r.Width, r.Height, frameRate, wholeSeconds(length))
}

// x264Options returns options for encoding as a camera does: in constant time, and so
// without looking ahead.
func x264Options(bandwidth int, gop time.Duration) string {
	return fmt.Sprintf("-c:v libx264 -preset veryfast -tune zerolatency -g %[1]d -keyint_min %[1]d -sc_threshold 0 -b:v %[2]d -maxrate %[2]d -bufsize %[2]d -c:a aac -b:a 64k",
		wholeSeconds(gop)*frameRate, bandwidth)
}

func hlsMuxer(length time.Duration, rest string) string {
	return fmt.Sprintf("-c copy -f hls -hls_time %d -hls_list_size 0 %s", wholeSeconds(length), rest)
}

func wholeSeconds(d time.Duration) int { return int(d / time.Second) }

// mediaSets returns all sets: the ladder, cut in every way that the cases need, and the
// streams with an encoding of their own.
func mediaSets() []set {
	const gop = 2 * time.Second
	s := set{name: "ladder"}
	for _, r := range ladder {
		s.runs = append(s.runs,
			fmt.Sprintf("%s %s %s.mp4", testPattern(r, ladderSegments*segmentTime), x264Options(r.Bandwidth, gop), r.Name),
			fmt.Sprintf("-i %[1]s.mp4 %[2]s -hls_segment_filename %[1]s-%%d.ts %[1]s-ts.m3u8 %[3]s -hls_segment_filename %[1]s-%%d.m4s %[1]s-fmp4.m3u8",
				r.Name, hlsMuxer(segmentTime, ""), hlsMuxer(segmentTime, "-hls_segment_type fmp4 -hls_fmp4_init_filename "+r.Name+"-init.mp4")))
	}

	s.runs = append(s.runs,
		"-i 1080p.mp4 "+hlsMuxer(segmentTime, "-hls_flags single_file -hls_segment_filename single.ts single.m3u8"),
		"-i 1080p.mp4 "+hlsMuxer(dvrSegmentTime, "-hls_segment_filename dvr-%d.ts dvr.m3u8"),
		fmt.Sprintf("-i 1080p.mp4 -c copy -f mp4 -movflags +empty_moov+default_base_moof+frag_keyframe -frag_duration %d parts.mp4",
			(segmentTime/partsInSegment).Microseconds()))

	long := ladder[0]
	return []set{
		s,
		{"gop10", []string{fmt.Sprintf("%s %s %s -hls_segment_filename %%d.ts gop10.m3u8",
			testPattern(long, (shortWindow+moments)*longGOP), x264Options(long.Bandwidth, longGOP), strings.TrimPrefix(hlsMuxer(longGOP, ""), "-c copy "))}},
		{"h265", []string{fmt.Sprintf("%s -c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params log-level=error:keyint=50:min-keyint=50:scenecut=0:open-gop=0 "+
			"-b:v 3000000 -c:a aac -b:a 64k %s -hls_segment_filename %%d.m4s h265.m3u8",
			testPattern(long, (shortWindow+moments)*segmentTime), strings.TrimPrefix(hlsMuxer(segmentTime, "-hls_segment_type fmp4 -hls_fmp4_init_filename init.mp4"), "-c copy "))}},
	}
}

// media locates the files of all sets.
type media struct {
	root string
	dirs map[string]string // by set
}

func (m *media) filePath(set, file string) string { return filepath.Join(m.dirs[set], file) }

func (m *media) readFile(set, file string) ([]byte, error) { return os.ReadFile(m.filePath(set, file)) }

// makeMedia encodes the sets that the cache lacks. It keeps each under the hash of its
// runs.
func makeMedia(ctx context.Context, tell func(string)) (*media, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	m := &media{root: filepath.Join(cache, "kfgrab-bench"), dirs: map[string]string{}}
	for _, s := range mediaSets() {
		sum := sha256.Sum256([]byte(strings.Join(s.runs, "\x00")))
		dir := filepath.Join(m.root, s.name+"-"+hex.EncodeToString(sum[:6]))
		m.dirs[s.name] = dir
		if _, err := os.Stat(dir); err == nil {
			continue
		}
		tell("encoding " + s.name)
		if err := s.encodeSet(ctx, m.root, dir); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// encodeSet makes dir completely or not at all.
func (s *set) encodeSet(ctx context.Context, root, dir string) error {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(root, "making-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)

	for _, run := range s.runs {
		args := append([]string{"-hide_banner", "-nostdin", "-v", "error", "-y"}, strings.Fields(run)...)
		cmd := exec.CommandContext(ctx, "ffmpeg", args...)
		cmd.Dir = tmp
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("making the media %s: ffmpeg: %w: %s", s.name, err, out)
		}
	}

	if s.name == "ladder" {
		if err := encryptSegments(tmp); err != nil {
			return err
		}
		if err := splitParts(tmp); err != nil {
			return err
		}
	}
	return os.Rename(tmp, dir)
}

// aesKey is the key of case aes128. It protects nothing.
var aesKey = []byte("kfgrab benchmark")

// encryptSegments writes 1080p-aes-N.ts for every 1080p-N.ts, with the media
// sequence number N as initialisation vector (RFC 8216 5.2).
func encryptSegments(dir string) error {
	block, err := aes.NewCipher(aesKey)
	if err != nil {
		return err
	}
	for n := range ladderSegments {
		b, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("1080p-%d.ts", n)))
		if err != nil {
			return err
		}
		pad := aes.BlockSize - len(b)%aes.BlockSize
		b = append(b, strings.Repeat(string(rune(pad)), pad)...)
		iv := binary.BigEndian.AppendUint64(make([]byte, 8), uint64(n))
		cipher.NewCBCEncrypter(block, iv).CryptBlocks(b, b)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("1080p-aes-%d.ts", n)), b, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "key.bin"), aesKey, 0o644)
}

// splitParts cuts parts.mp4 into part-init.mp4 and part-N.m4s, and joins every
// partsInSegment parts into whole-N.m4s.
func splitParts(dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, "parts.mp4"))
	if err != nil {
		return err
	}
	spans, err := listBoxes(b)
	if err != nil {
		return err
	}

	var part int
	var whole []byte
	for i, s := range spans {
		switch s.kind {
		case "moov":
			err = os.WriteFile(filepath.Join(dir, "part-init.mp4"), b[:s.end], 0o644)
		case "mdat":
			data := b[spans[i-1].start:s.end]
			err = os.WriteFile(filepath.Join(dir, fmt.Sprintf("part-%d.m4s", part)), data, 0o644)
			whole = append(whole, data...)
			if part++; part%partsInSegment == 0 && err == nil {
				err = os.WriteFile(filepath.Join(dir, fmt.Sprintf("whole-%d.m4s", part/partsInSegment-1)), whole, 0o644)
				whole = nil
			}
		}
		if err != nil {
			return err
		}
	}

	if part < ladderSegments*partsInSegment {
		return fmt.Errorf("parts.mp4 holds %d parts, want %d", part, ladderSegments*partsInSegment)
	}
	return nil
}
