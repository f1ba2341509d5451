package metadata

import (
	"encoding/binary"
	"slices"
	"strings"
	"time"
)

// Tags of CIPA DC-008 (Exif 2.32), 4.6.
const (
	tagSoftware            = 0x0131
	tagDateTime            = 0x0132
	tagExifIFD             = 0x8769
	tagExifVersion         = 0x9000
	tagDateTimeOriginal    = 0x9003
	tagDateTimeDigitized   = 0x9004
	tagOffsetTime          = 0x9010
	tagOffsetTimeOriginal  = 0x9011
	tagOffsetTimeDigitized = 0x9012
	tagSubSecTime          = 0x9290
	tagSubSecTimeOriginal  = 0x9291
	tagSubSecTimeDigitized = 0x9292
	tagColorSpace          = 0xa001
)

// Types of TIFF 6.0.
const (
	typeASCII     = 2
	typeShort     = 3
	typeLong      = 4
	typeUndefined = 7
)

type entry struct {
	tag, kind uint16
	value     []byte
}

// exifData returns f as a TIFF structure of two directories, nil if f has nothing that
// Exif has a tag for. DateTimeDigitized is when the picture was taken from the stream,
// DateTimeOriginal when the scene was shot.
func exifData(f Fields) []byte {
	var main, sub []entry
	if f.Software != "" {
		main = append(main, asciiEntry(tagSoftware, f.Software))
	}
	if t := f.Taken; !t.IsZero() {
		main = append(main, dateTimeEntry(tagDateTime, t))
		sub = append(sub, utcEntry(tagOffsetTime), subSecondsEntry(tagSubSecTime, t),
			dateTimeEntry(tagDateTimeDigitized, t), utcEntry(tagOffsetTimeDigitized), subSecondsEntry(tagSubSecTimeDigitized, t))
	}
	if t := f.MediaTime; !t.IsZero() {
		sub = append(sub, dateTimeEntry(tagDateTimeOriginal, t), utcEntry(tagOffsetTimeOriginal), subSecondsEntry(tagSubSecTimeOriginal, t))
	}
	if len(main)+len(sub) == 0 {
		return nil
	}

	if space := encodeColorSpace(f.Primaries); space != nil {
		sub = append(sub, entry{tagColorSpace, typeShort, space})
	}
	return encodeTIFF(main, append(sub, entry{tagExifVersion, typeUndefined, []byte("0232")}))
}

// encodeColorSpace returns the value of ColorSpace: sRGB, or uncalibrated if there is a
// profile. It returns nil if the primaries are unknown.
func encodeColorSpace(primaries int) []byte {
	if primaries == sRGBPrimaries {
		return []byte{0, 1}
	}
	if _, known := gamuts[primaries]; known {
		return []byte{0xff, 0xff} // uncalibrated
	}
	return nil
}

// asciiEntry replaces characters that do not fit into the 7 bits of the type.
func asciiEntry(tag uint16, s string) entry {
	s = strings.Map(func(r rune) rune {
		if r > '~' {
			return '?'
		}
		return r
	}, s)
	return entry{tag, typeASCII, append([]byte(s), 0)}
}

func dateTimeEntry(tag uint16, t time.Time) entry {
	return asciiEntry(tag, t.UTC().Format("2006:01:02 15:04:05"))
}

func subSecondsEntry(tag uint16, t time.Time) entry {
	return asciiEntry(tag, t.UTC().Format(".000")[1:])
}

func utcEntry(tag uint16) entry { return asciiEntry(tag, "+00:00") }

const (
	tiffHeader = 8
	entrySize  = 12
)

// directorySize returns the length of a directory, including the values that do not fit
// into its entries (TIFF 6.0, section 2).
func directorySize(entries []entry) int {
	n := 2 + entrySize*len(entries) + 4
	for _, e := range entries {
		if len(e.value) > 4 {
			n += (len(e.value) + 1) &^ 1
		}
	}
	return n
}

// encodeTIFF writes main as the first directory and sub as the one of Exif.
func encodeTIFF(main, sub []entry) []byte {
	main = append(main, entry{tagExifIFD, typeLong, make([]byte, 4)})
	at := uint32(tiffHeader + directorySize(main))
	binary.BigEndian.PutUint32(main[len(main)-1].value, at)
	b := append([]byte("MM\x00\x2a"), 0, 0, 0, tiffHeader)
	return appendDirectory(appendDirectory(b, main), sub)
}

// appendDirectory sorts the entries, as TIFF requires.
func appendDirectory(b []byte, entries []entry) []byte {
	slices.SortFunc(entries, func(a, b entry) int { return int(a.tag) - int(b.tag) })

	var values []byte
	at := len(b) + 2 + entrySize*len(entries) + 4
	b = binary.BigEndian.AppendUint16(b, uint16(len(entries)))
	for _, e := range entries {
		count := len(e.value)
		switch e.kind {
		case typeShort:
			count /= 2
		case typeLong:
			count /= 4
		}
		b = binary.BigEndian.AppendUint16(b, e.tag)
		b = binary.BigEndian.AppendUint16(b, e.kind)
		b = binary.BigEndian.AppendUint32(b, uint32(count))
		if len(e.value) <= 4 {
			b = append(b, append(e.value, 0, 0, 0, 0)[:4]...)
			continue
		}
		b = binary.BigEndian.AppendUint32(b, uint32(at+len(values)))
		values = append(values, e.value...)
		if len(values)%2 == 1 {
			values = append(values, 0)
		}
	}
	b = append(b, 0, 0, 0, 0) // no directory follows

	return append(b, values...)
}
