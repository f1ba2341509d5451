package hlssource

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/keyframe"
)

// A segment of METHOD=AES-128 is encrypted as a whole, in AES-128-CBC with PKCS #7
// padding (RFC 8216 4.3.2.4).

func newAES(key []byte) (cipher.Block, error) {
	if len(key) != aes.BlockSize {
		return nil, fmt.Errorf("%w: the key has %d bytes; AES-128 needs 16", keyframe.ErrCorrupt, len(key))
	}
	return aes.NewCipher(key)
}

// cbcStream decrypts from the front, as the bytes come.
type cbcStream struct {
	src    io.Reader
	mode   cipher.BlockMode
	sealed []byte // read and not decrypted: less than a block, or the last one held back for its padding
	plain  []byte // decrypted and not delivered
	buf    []byte
	got    int64 // bytes of src
	err    error // of src, sticky
}

// cbcStep is how much is read and decrypted at once.
const cbcStep = 8 << 10

func newCBCStream(src io.Reader, block cipher.Block, iv [aes.BlockSize]byte) *cbcStream {
	return &cbcStream{src: src, mode: cipher.NewCBCDecrypter(block, iv[:]), buf: make([]byte, cbcStep+2*aes.BlockSize)}
}

func (s *cbcStream) Read(p []byte) (int, error) {
	for len(s.plain) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		s.decryptNext()
	}
	n := copy(p, s.plain)
	s.plain = s.plain[n:]
	return n, nil
}

// decryptNext decrypts what comes next, except what may be the padded block at the end.
func (s *cbcStream) decryptNext() {
	held := copy(s.buf, s.sealed)
	n, err := s.src.Read(s.buf[held : held+cbcStep])
	s.got += int64(n)
	have := s.buf[:held+n]
	s.err = err
	whole := len(have) / aes.BlockSize * aes.BlockSize
	switch {
	case errors.Is(err, io.EOF) && len(have) != whole:
		s.err = errNoBlocks
	case errors.Is(err, io.EOF):
	case whole == len(have) && whole > 0 && !s.hasMore():
		whole -= aes.BlockSize
	}

	s.mode.CryptBlocks(have[:whole], have[:whole])
	s.plain, s.sealed = have[:whole], have[whole:]
	if errors.Is(s.err, io.EOF) {
		if plain, err := unpad(s.plain); err != nil {
			s.plain, s.err = nil, err
		} else {
			s.plain = plain
		}
	}
}

// hasMore reports whether something is certain to follow what was read. A block held
// back for nothing could cost a range.
func (s *cbcStream) hasMore() bool {
	src, ok := s.src.(interface{ Size() int64 })
	return ok && s.got < src.Size()
}

// unpad removes the padding from the end of a segment.
func unpad(plain []byte) ([]byte, error) {
	if len(plain) == 0 {
		return plain, nil
	}
	n := int(plain[len(plain)-1])
	if n == 0 || n > aes.BlockSize {
		return nil, errWrongKey
	}
	return plain[:len(plain)-n], nil
}

// sizedReaderAt is an encrypted segment that is read by ranges. Size is −1 while it
// is unknown.
type sizedReaderAt interface {
	io.ReaderAt
	Size() int64
}

// cbcReaderAt decrypts at any place: it reads the blocks that hold the bytes asked
// for and the block before them, which is their initialisation vector. It is for one
// goroutine at a time.
type cbcReaderAt struct {
	src   sizedReaderAt
	block cipher.Block
	iv    [aes.BlockSize]byte
	cut   bool // src is a part of what was encrypted: there is no padding at its end
}

// Size includes the padding.
func (r *cbcReaderAt) Size() int64 { return r.src.Size() }

func (r *cbcReaderAt) ReadAt(p []byte, off int64) (int, error) {
	first := off / aes.BlockSize * aes.BlockSize
	from := max(0, first-aes.BlockSize)
	end := wholeBlocks(off + int64(len(p)))
	buf := make([]byte, end-from)
	n, err := r.src.ReadAt(buf, from)
	atEnd := !r.cut && (errors.Is(err, io.EOF) || from+int64(n) == r.src.Size())
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return 0, err
	case n%aes.BlockSize != 0:
		return 0, errNoBlocks
	}

	blocks, iv := buf[:n], r.iv[:]
	if first > 0 && n > 0 {
		iv, blocks = blocks[:aes.BlockSize], blocks[aes.BlockSize:]
	}
	cipher.NewCBCDecrypter(r.block, iv).CryptBlocks(blocks, blocks)
	if atEnd {
		if blocks, err = unpad(blocks); err != nil {
			return 0, err
		}
	}

	if skip := int(off - first); skip < len(blocks) {
		n = copy(p, blocks[skip:])
	} else {
		n = 0
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// sealed is the plain content of a segment that is encrypted as a whole.
type sealed struct {
	*cbcStream
	*cbcReaderAt
	peek func(n int) ([]byte, error) // at the encrypted beginning
}

func newSealed(src content, block cipher.Block, iv [aes.BlockSize]byte) content {
	return sealed{newCBCStream(src, block, iv), &cbcReaderAt{src: src, block: block, iv: iv}, src.Peek}
}

// Peek makes src fetch its first range as it would for a reader from the front.
func (s sealed) Peek(n int) ([]byte, error) {
	if _, err := s.peek(wholeBlocks(n)); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return peekAt(s.cbcReaderAt, n)
}

// sealedPart is the length bytes from skip on of what src decrypts to. src is a
// part of a segment, widened by widen.
type sealedPart struct{ *io.SectionReader }

func newSealedPart(src sizedReaderAt, block cipher.Block, iv [aes.BlockSize]byte, skip, length int64) content {
	r := &cbcReaderAt{src: src, block: block, iv: iv, cut: true}
	return sealedPart{io.NewSectionReader(r, skip, length)}
}

func (s sealedPart) Peek(n int) ([]byte, error) { return peekAt(s, n) }

func peekAt(r io.ReaderAt, n int) ([]byte, error) {
	p := make([]byte, n)
	got, err := r.ReadAt(p, 0)
	return p[:got], err
}

// widen returns the blocks that hold the given bytes, and the block before them,
// which is their initialisation vector (RFC 8216 6.3.6).
func widen(b hls.ByteRange) hls.ByteRange {
	from := max(0, b.Offset/aes.BlockSize*aes.BlockSize-aes.BlockSize)
	return hls.ByteRange{Offset: from, Length: wholeBlocks(b.Offset+b.Length) - from}
}

// wholeBlocks rounds up to whole blocks.
func wholeBlocks[T int | int64](n T) T {
	return (n + aes.BlockSize - 1) / aes.BlockSize * aes.BlockSize
}
