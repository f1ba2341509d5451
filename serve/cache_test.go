package serve

import (
	"testing"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/picture"
)

func keyOf(c *camera, capture string, width int) rendering {
	return rendering{c, capture, picture.Options{Output: decode.Output{Width: width}}}
}

// TestCacheBound: the bound holds whatever is put in, and the most recently
// used pictures stay.
func TestCacheBound(t *testing.T) {
	const most = 100 << 10
	cache, one, other := newCache(most), &camera{}, &camera{}
	cache.put(keyOf(other, "a", 0), []byte("used all the time"))
	for n := range 10_000 {
		cache.put(keyOf(one, "a", n), make([]byte, n%5000))
		if _, ok := cache.get(keyOf(other, "a", 0)); !ok {
			t.Fatalf("%d: what is used is gone", n)
		}
		if count, bytes, _ := cache.total(); bytes > most || count < 2 {
			t.Fatalf("%d: %d of %d bytes", n, count, bytes)
		}
	}
	cache.put(keyOf(one, "a", 0), make([]byte, most))
	if _, ok := cache.get(keyOf(one, "a", 0)); ok {
		t.Error("what is larger than all is kept")
	}
}

// TestCacheForget: forget drops a stream's pictures, except those of one
// capture.
func TestCacheForget(t *testing.T) {
	cache, one, other := newCache(1<<20), &camera{}, &camera{}
	for _, key := range []rendering{keyOf(one, "a", 1), keyOf(one, "b", 1), keyOf(one, "b", 2), keyOf(other, "a", 1)} {
		cache.put(key, []byte("data"))
		cache.put(key, []byte("data, again"))
	}
	for _, step := range []struct {
		but                   string
		ofOne, ofOther, inAll int
	}{{"b", 2, 1, 3}, {"", 0, 1, 1}} {
		cache.forget(one, step.but)
		a, _ := cache.sizeOf(one)
		b, _ := cache.sizeOf(other)
		all, bytes, _ := cache.total()
		if a != step.ofOne || b != step.ofOther || all != step.inAll || bytes != int64(all)*(4+overhead) {
			t.Errorf("but %q: %d and %d, %d of %d bytes", step.but, a, b, all, bytes)
		}
	}
}
