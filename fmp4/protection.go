package fmp4

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/kfgrab/kfgrab/keyframe"
)

// SetKey sets the key of 16 bytes that samples are encrypted with, whatever their key
// identifiers are. It decrypts the schemes cenc and cbcs (ISO/IEC 23001-7 10.1, 10.4).
// Samples that are not encrypted stay as they are.
func (m *Movie) SetKey(key []byte) { m.key = key }

// auxiliary is the encryption data of the samples of a track fragment (ISO/IEC
// 23001-7 7). It is parsed when a sample is decrypted.
type auxiliary struct {
	entries    []byte
	subsamples bool  // every entry of a senc box has some
	sizes      sizes // of entries outside a senc box
	count      int
	unread     string // encryption data of an unsupported kind, or ""

	offsets []int // of the entries read so far, and their end
}

// sizes are those of a saiz box (ISO/IEC 14496-12 8.7.8).
type sizes struct {
	same int
	each []byte
}

// smoothSenc is the extended type of the box that Microsoft's PIFF had before
// senc was standardised.
var smoothSenc = []byte{0xa2, 0x39, 0x4f, 0x52, 0x5a, 0x9b, 0x4f, 0x14, 0xa2, 0x44, 0x6c, 0x42, 0x7c, 0x64, 0x8d, 0xf4}

// parseAuxiliary returns the encryption data of a track fragment's samples, nil if there
// are none. Offsets count from base.
func (p *fragmentParser) parseAuxiliary(traf box, base int64) *auxiliary {
	var a *auxiliary
	found := func() *auxiliary {
		if a == nil {
			a = &auxiliary{}
		}
		return a
	}

	var senc, saiz, saio []byte
	for c := range listBoxes(traf.body, 0) {
		switch {
		case c.kind == "senc":
			found()
			senc = c.body
		case c.kind == "uuid" && bytes.HasPrefix(c.body, smoothSenc):
			found()
			senc = c.body[len(smoothSenc):]
		case c.kind == "saiz":
			found()
			saiz = c.body
		case c.kind == "saio":
			found()
			saio = c.body
		case c.kind == "sbgp" && len(c.body) >= 8 && string(c.body[4:8]) == "seig":
			found().unread = "keys of sample groups"
		}
	}

	switch {
	case a == nil:
	case senc != nil:
		a.readSenc(senc)
	default:
		a.readOffsets(saiz, saio, p.body, base-(p.end-int64(len(p.body))))
	}
	return a
}

// readSenc reads a sample encryption box (ISO/IEC 23001-7 7.2.1).
func (a *auxiliary) readSenc(b []byte) {
	const (
		overrides  = 1 // of the track's defaults, in PIFF
		subsamples = 2
	)
	if len(b) < 8 || b[3]&overrides != 0 {
		a.unread = "a senc box of another kind"
		return
	}
	a.subsamples = b[3]&subsamples != 0
	a.count = int(binary.BigEndian.Uint32(b[4:]))
	a.entries = b[8:]
}

// readOffsets finds entries by saiz and saio boxes (ISO/IEC 14496-12 8.7.8, 8.7.9)
// in body, a moof box's, which begins at -shift in terms of their offsets.
func (a *auxiliary) readOffsets(saiz, saio, body []byte, shift int64) {
	read := func(b *[]byte, n int) (v int64) {
		if len(*b) < n {
			*b = nil
			return -1
		}
		for _, c := range (*b)[:n] {
			v = v<<8 | int64(c)
		}
		*b = (*b)[n:]
		return v
	}
	const typed = 1 // flag: the type of information follows
	head := func(b *[]byte) (version int64) {
		word := read(b, 4)
		if word&typed != 0 {
			read(b, 8)
		}
		return word >> 24
	}

	head(&saiz)
	a.sizes.same = int(read(&saiz, 1))
	a.count = int(read(&saiz, 4))
	a.sizes.each = saiz
	width := 4
	if head(&saio) > 0 {
		width = 8
	}
	offsets := read(&saio, 4)
	at := read(&saio, width) + shift
	if offsets != 1 || at < 0 || at >= int64(len(body)) || a.sizes.same < 0 {
		a.unread = "encryption data outside of the moof box"
		return
	}
	a.entries = body[at:]
}

var errAuxiliary = fmt.Errorf("%w: the encryption data of a fragment is cut short", keyframe.ErrCorrupt)

// readEntry returns the initialisation vector of sample i, and its subsamples.
func (a *auxiliary) readEntry(i, ivSize int) (iv []byte, parts []mp4.SubSamplePattern, err error) {
	a.indexEntries(i, ivSize)
	if i+1 >= len(a.offsets) {
		return nil, nil, errAuxiliary
	}

	b := a.entries[a.offsets[i]:a.offsets[i+1]]
	if len(b) < ivSize {
		return nil, nil, errAuxiliary
	}
	iv, b = b[:ivSize], b[ivSize:]
	if len(b) < 2 {
		return iv, nil, nil
	}

	n := int(binary.BigEndian.Uint16(b))
	if len(b) < 2+6*n {
		return nil, nil, errAuxiliary
	}

	for b = b[2:]; n > 0; n-- {
		parts = append(parts, mp4.SubSamplePattern{
			BytesOfClearData: binary.BigEndian.Uint16(b), BytesOfProtectedData: binary.BigEndian.Uint32(b[2:]),
		})
		b = b[6:]
	}
	return iv, parts, nil
}

// indexEntries finds the entries up to number i as far as they are whole.
func (a *auxiliary) indexEntries(i, ivSize int) {
	if a.offsets == nil {
		a.offsets = []int{0}
	}

	for n := len(a.offsets) - 1; n <= i && n < a.count; n++ {
		at, size := a.offsets[n], ivSize
		switch {
		case a.sizes.same > 0:
			size = a.sizes.same
		case n < len(a.sizes.each):
			size = int(a.sizes.each[n])
		case a.subsamples && len(a.entries) < at+size+2:
			return
		case a.subsamples:
			size += 2 + 6*int(binary.BigEndian.Uint16(a.entries[at+size:]))
		}

		if at += size; at > len(a.entries) {
			return
		}
		a.offsets = append(a.offsets, at)
	}
}

// isProtected reports whether s, of description d, is encrypted.
func (d *description) isProtected(s sample) bool {
	return d.encryption != nil && (s.hidden || len(d.encryption.ConstantIV) > 0)
}

// checkReadable returns an error if a protected sample cannot be decrypted.
func (e *Encryption) checkReadable(s sample, key []byte) error {
	scheme := quoteCode(e.Scheme)
	switch {
	case key == nil:
		return fmt.Errorf("%w: encrypted (%s)", keyframe.ErrUnsupported, scheme)
	case e.Scheme != "cenc" && e.Scheme != "cbcs", s.hidden && s.aux == nil:
		return fmt.Errorf("%w: encrypted (%s) in an unsupported way", keyframe.ErrUnsupported, scheme)
	case s.aux != nil && s.aux.unread != "":
		return fmt.Errorf("%w: encrypted (%s) with %s", keyframe.ErrUnsupported, scheme, s.aux.unread)
	case e.PerSampleIVSize > 16 || (e.PerSampleIVSize > 0 && s.aux == nil):
		return errAuxiliary
	}
	return nil
}

// decryptSample returns the plain sample of data.
func (e *Encryption) decryptSample(s sample, data, key []byte) ([]byte, error) {
	var iv [16]byte
	copy(iv[:], e.ConstantIV)
	var parts []mp4.SubSamplePattern
	if s.aux != nil {
		own, subsamples, err := s.aux.readEntry(s.entry, e.PerSampleIVSize)
		if err != nil {
			return nil, err
		}
		if parts = subsamples; len(own) > 0 {
			iv = [16]byte{}
			copy(iv[:], own)
		}
	}

	total := int64(0)
	for _, p := range parts {
		total += int64(p.BytesOfClearData) + int64(p.BytesOfProtectedData)
	}
	if total > int64(len(data)) {
		return nil, fmt.Errorf("%w: sample %d of %d bytes has %d to decrypt", keyframe.ErrCorrupt, s.number+1, len(data), total)
	}

	data = slices.Clone(data)
	var err error
	if e.Scheme == "cenc" {
		err = mp4.CryptSampleCenc(data, key, iv[:], parts)
	} else {
		pattern := mp4.TencBox{DefaultCryptByteBlock: byte(e.CryptBlocks), DefaultSkipByteBlock: byte(e.SkipBlocks)}
		err = mp4.DecryptSampleCbcs(data, key, iv[:], parts, &pattern)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %v", keyframe.ErrCorrupt, err)
	}
	return data, nil
}
