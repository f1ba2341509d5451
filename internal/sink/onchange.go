package sink

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg" // what pictures are
	_ "image/png"
	"sync"

	_ "golang.org/x/image/webp"

	"github.com/kfgrab/kfgrab/internal/change"
)

// DefaultThreshold is the distance from which OnChange has pictures differ where its
// Threshold is 0.
const DefaultThreshold = change.DefaultThreshold

// OnChange says of the pictures of one stream which differ from the one before that
// did: noise, compression and a clock in a corner do not count. The zero value is
// ready.
//
// The distance of two pictures is in how many of their 64 lowest frequencies of
// brightness they differ (a perceptual hash), and 0 where no part of an eighth by an
// eighth of the picture is brighter or darker by 4 levels of 256:
//
//	 0 to 4   the same scene, with noise and another time
//	 6        10 % more light; the least that counts by default
//	10 to 20  somebody who takes a twentieth of the picture
//	24 to 40  another scene
//	64        the most
type OnChange struct {
	Threshold int // the distance that counts; 0 means DefaultThreshold

	mu           sync.Mutex
	last, before *change.Print
}

// Differs compares p, which is JPEG, PNG or WebP, with the last picture for which it
// returned true. The first picture differs.
func (c *OnChange) Differs(p *Picture) (bool, error) {
	img, _, err := image.Decode(bytes.NewReader(p.Data))
	if err != nil {
		return false, fmt.Errorf("%s: %s cannot be compared with the last picture: %w", p.Stream, p.ContentType, err)
	}
	now, err := change.Of(img)
	if err != nil {
		return false, fmt.Errorf("%s: %w", p.Stream, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	threshold := c.Threshold
	if threshold == 0 {
		threshold = DefaultThreshold
	}
	if c.last != nil && c.last.Distance(now) < threshold {
		return false, nil
	}
	c.before, c.last = c.last, &now
	return true, nil
}

// Forget takes back the last true of Differs, for a picture that could not be put: the
// next one is compared with the one before it.
func (c *OnChange) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = c.before
}
