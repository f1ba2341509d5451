package sink

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg" // the formats of pictures
	_ "image/png"
	"sync"

	_ "golang.org/x/image/webp"

	"github.com/kfgrab/kfgrab/internal/change"
)

// OnChange finds the pictures of a stream that differ from the last one that did. Noise,
// compression and a clock in a corner do not count. The zero value is ready.
//
// The distance of two pictures is the number of their 64 lowest frequencies of
// brightness that differ (a perceptual hash). It is 0 if no eighth by eighth of the
// picture is brighter or darker by 4 levels of 256:
//
//	 0 to 4   the same scene, with noise and another time
//	 6        10 % more light; the smallest that counts by default
//	10 to 20  a person who fills a twentieth of the picture
//	24 to 40  another scene
//	64        the largest
type OnChange struct {
	Threshold int // the distance that counts; 0 means change.DefaultThreshold

	mu           sync.Mutex
	last, before *change.Print
}

// Differs compares p, which is JPEG, PNG or WebP, with the last picture for which it
// returned true. The first picture differs.
func (c *OnChange) Differs(p *Picture) (bool, error) {
	img, _, err := image.Decode(bytes.NewReader(p.Data))
	if err != nil {
		return false, fmt.Errorf("%s: cannot compare this %s with the last picture: %w", p.Stream, p.ContentType, err)
	}
	now, err := change.Of(img)
	if err != nil {
		return false, fmt.Errorf("%s: %w", p.Stream, err)
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	threshold := c.Threshold
	if threshold == 0 {
		threshold = change.DefaultThreshold
	}
	if c.last != nil && c.last.Distance(now) < threshold {
		return false, nil
	}
	c.before, c.last = c.last, &now
	return true, nil
}

// Forget undoes the last Differs that returned true, for a picture that could not be
// stored: the next picture is compared with the one before it.
func (c *OnChange) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = c.before
}
