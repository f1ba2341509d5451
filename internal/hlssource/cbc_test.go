package hlssource

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/kfgrab/kfgrab/keyframe"
)

// seal encrypts a segment as RFC 8216 4.3.2.4 says.
func seal(plain, key []byte, iv [16]byte) []byte {
	n := aes.BlockSize - len(plain)%aes.BlockSize
	out := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(n)}, n)...)
	block, _ := aes.NewCipher(key)
	cipher.NewCBCEncrypter(block, iv[:]).CryptBlocks(out, out)
	return out
}

type sizedBytes struct {
	*bytes.Reader
	size int64
}

func (s sizedBytes) Size() int64 { return s.size }

// TestDecryptionEqualsThatOfTheWhole: reads at any offset and in pieces of any
// size return what the whole decrypts to.
func TestDecryptionEqualsThatOfTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOfN(rapid.Byte(), 0, 3*cbcStep).Draw(t, "plain")
		key := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "key")
		var iv [16]byte
		copy(iv[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "iv"))
		sealed := seal(plain, key, iv)
		block, err := newAES(key)
		if err != nil {
			t.Fatal(err)
		}

		pieces := iotest.HalfReader(bytes.NewReader(sealed))
		got, err := io.ReadAll(newCBCStream(pieces, block, iv))
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("as a stream: %d bytes of %d, %v", len(got), len(plain), err)
		}

		size := int64(len(sealed))
		if rapid.Bool().Draw(t, "size unknown") {
			size = -1
		}
		r := &cbcReaderAt{src: sizedBytes{bytes.NewReader(sealed), size}, block: block, iv: iv}
		for range 8 {
			off := rapid.IntRange(0, len(plain)+20).Draw(t, "off")
			p := make([]byte, rapid.IntRange(1, 100).Draw(t, "n"))
			n, err := r.ReadAt(p, int64(off))
			want := plain[min(off, len(plain)):min(off+len(p), len(plain))]
			if size < 0 && off+len(p) > len(plain)-16 {
				want, n = want[:min(n, len(want))], min(n, len(want)) // without a known end, the padding remains
			}
			if !bytes.Equal(p[:n], want) || err != nil && !errors.Is(err, io.EOF) || err == nil && n < len(p) && size >= 0 {
				t.Fatalf("%d bytes at %d: %d bytes, %v", len(p), off, n, err)
			}
		}
	})
}

func TestWhatDoesNotDecrypt(t *testing.T) {
	var iv [16]byte
	key := []byte("0123456789abcdef")
	sealed := seal(make([]byte, 100), key, iv)
	other, _ := newAES([]byte("fedcba9876543210"))
	right, _ := newAES(key)
	for name, r := range map[string]io.Reader{
		"another key":    newCBCStream(bytes.NewReader(sealed), other, iv),
		"cut in a block": newCBCStream(bytes.NewReader(sealed[:100]), right, iv),
		"less than one":  newCBCStream(bytes.NewReader(sealed[:5]), right, iv),
	} {
		if _, err := io.ReadAll(r); !errors.Is(err, keyframe.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := newAES(key[:15]); !errors.Is(err, keyframe.ErrCorrupt) {
		t.Errorf("a key of 15 bytes: %v", err)
	}
}
