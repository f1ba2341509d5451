package hls

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"

	"github.com/kfgrab/kfgrab/keyframe"
)

// A segment of METHOD=AES-128 is encrypted as a whole, in AES-128-CBC with PKCS #7
// padding (RFC 8216 4.3.2.4).

func newAES(key []byte) (cipher.Block, error) {
	if len(key) != aes.BlockSize {
		return nil, fmt.Errorf("%w: the key has %d bytes, AES-128 wants 16", keyframe.ErrCorrupt, len(key))
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
		s.fill()
	}
	n := copy(p, s.plain)
	s.plain = s.plain[n:]
	return n, nil
}

// fill decrypts what comes next, all but a block at the end, which may be the
// padded one.
func (s *cbcStream) fill() {
	held := copy(s.buf, s.sealed)
	n, err := s.src.Read(s.buf[held : held+cbcStep])
	have := s.buf[:held+n]
	s.err = err
	whole := len(have) / aes.BlockSize * aes.BlockSize
	switch {
	case errors.Is(err, io.EOF) && len(have) != whole:
		s.err = errNoBlocks
	case errors.Is(err, io.EOF):
	case whole == len(have) && whole > 0:
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

var (
	errNoBlocks = fmt.Errorf("%w: the encrypted segment is no whole number of blocks", keyframe.ErrCorrupt)
	errPadding  = fmt.Errorf("%w: the segment does not decrypt: its key or IV is another one", keyframe.ErrCorrupt)
)

// unpad takes the padding off the end of a segment.
func unpad(plain []byte) ([]byte, error) {
	if len(plain) == 0 {
		return plain, nil
	}
	n := int(plain[len(plain)-1])
	if n == 0 || n > aes.BlockSize {
		return nil, errPadding
	}
	return plain[:len(plain)-n], nil
}

// sizedReaderAt is an encrypted segment that is read by ranges. Size is −1 while it
// is unknown.
type sizedReaderAt interface {
	io.ReaderAt
	Size() int64
}

// cbcReaderAt decrypts at any place: it reads the blocks that hold what is asked
// for and the one before them, which is their initialisation vector. It is for one
// goroutine at a time.
type cbcReaderAt struct {
	src   sizedReaderAt
	block cipher.Block
	iv    [aes.BlockSize]byte
}

func (r *cbcReaderAt) ReadAt(p []byte, off int64) (int, error) {
	first := off / aes.BlockSize * aes.BlockSize
	from := max(0, first-aes.BlockSize)
	end := (off + int64(len(p)) + aes.BlockSize - 1) / aes.BlockSize * aes.BlockSize
	buf := make([]byte, end-from)
	n, err := r.src.ReadAt(buf, from)
	atEnd := errors.Is(err, io.EOF) || from+int64(n) == r.src.Size()
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
