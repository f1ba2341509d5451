package origin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/kfgrab/kfgrab/keyframe"
)

// content describes the files that ffmpeg made.
type content struct {
	profile  Profile
	dir      string
	sizes    map[string]int64 // of segments, by file name
	variants map[Kind][]variant
	streams  map[keyframe.Codec]stream
}

// prepareContent returns the encoded streams of p. It encodes them first if they are not in the cache,
// whose key is a hash of ffmpeg's arguments.
func prepareContent(ctx context.Context, p Profile, o *Options) (content, error) {
	root := o.CacheDir
	if root == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			cache = os.TempDir()
		}
		root = filepath.Join(cache, "kfgrab-origin")
	}
	recipe := strings.Join(append(p.encodeArgs(true), p.segmentArgs()...), "\x00")
	sum := sha256.Sum256([]byte(recipe))
	dir := filepath.Join(root, p.Renditions[0].Name+"-"+hex.EncodeToString(sum[:6]))
	if c, err := loadContent(dir, p); err == nil {
		return c, nil
	}
	if err := encodeInto(ctx, dir, p, o.FFmpeg); err != nil {
		return content{}, fmt.Errorf("origin: %w", err)
	}
	c, err := loadContent(dir, p)
	if err != nil {
		return content{}, fmt.Errorf("origin: ffmpeg did not make all files: %w", err)
	}

	return c, nil
}

// encodeInto creates dir with all files, or not at all.
func encodeInto(ctx context.Context, dir string, p Profile, ffmpeg string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "making-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := encodeProfile(ctx, tmp, p, ffmpeg); err != nil {
		return err
	}
	if err := os.Rename(tmp, dir); err == nil {
		return nil
	}
	// Another process was faster, or the existing directory is incomplete.
	if _, err := loadContent(dir, p); err == nil {
		return nil
	}

	return errors.Join(os.RemoveAll(dir), os.Rename(tmp, dir))
}

// loadContent reads what describes the streams. The segments stay on disk.
func loadContent(dir string, p Profile) (content, error) {
	c := content{profile: p, dir: dir, sizes: map[string]int64{}, variants: map[Kind][]variant{}}
	for _, k := range []Kind{TS, FMP4} {
		for _, r := range p.Renditions {
			v, err := c.loadRendition(k, r)
			if err != nil {
				return content{}, err
			}
			c.variants[k] = append(c.variants[k], v)
		}
	}
	var err error
	c.streams, err = loadStreams(dir)
	return c, err
}

// loadRendition reads the sizes of a rendition's segments and computes its bit rates.
func (c *content) loadRendition(k Kind, r Rendition) (variant, error) {
	init, err := os.ReadFile(c.initFile(r.Name))
	if err != nil {
		return variant{}, err
	}
	codecs, err := codecsOf(init)
	if err != nil {
		return variant{}, err
	}
	v := variant{Rendition: r, codecs: codecs}
	var total int64
	for n := range c.profile.Segments {
		path := c.segmentFile(k, r.Name, n)
		info, err := os.Stat(path)
		if err != nil {
			return variant{}, err
		}
		c.sizes[filepath.Base(path)] = info.Size()
		total += info.Size()
		v.peak = max(v.peak, int(info.Size()*8)/wholeSeconds(c.profile.Segment))
	}
	v.average = int(total*8) / wholeSeconds(c.profile.length())
	return v, nil
}

// codecsOf returns the codecs of an init segment (RFC 6381). Profile and level of H.264 are the
// first bytes of avcC (ISO/IEC 14496-15 5.3.3.1).
func codecsOf(init []byte) (string, error) {
	_, avcC, found := bytes.Cut(init, []byte("avcC"))
	if !found || len(avcC) < 4 {
		return "", errors.New("no avcC in the init segment")
	}
	return fmt.Sprintf("avc1.%02x%02x%02x,mp4a.40.2", avcC[1], avcC[2], avcC[3]), nil
}

func (c content) initFile(rendition string) string {
	return filepath.Join(c.dir, rendition+"-init.mp4")
}

func (c content) segmentFile(k Kind, rendition string, source int) string {
	return filepath.Join(c.dir, rendition+"-"+strconv.Itoa(source)+segmentEnding(k))
}

func (c content) hasRendition(k Kind, rendition string) bool {
	for _, v := range c.variants[k] {
		if v.Name == rendition {
			return true
		}
	}
	return false
}

// segmentSize returns 0 if there is no segment at path.
func (c content) segmentSize(path string) int64 {
	parts := strings.Split(path, "/")
	if len(parts) != 4 || parts[0] != "" {
		return 0
	}
	k := Kind(parts[1])
	n, ok := segmentNumber(k, parts[3])
	if !ok || n < 0 {
		return 0
	}
	return c.sizes[filepath.Base(c.segmentFile(k, parts[2], n%c.profile.Segments))]
}
