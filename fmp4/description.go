package fmp4

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/kfgrab/kfgrab/keyframe"
)

// description is one entry of the stsd box (ISO/IEC 14496-12 8.5.2).
type description struct {
	format        string // after frma
	codec         keyframe.Codec
	sets          [][]byte
	nalLengthSize int
	encryption    *Encryption
	dolby         *dolbyVision // nil: none
	err           error        // why its pictures cannot be shown

	sarNum, sarDen              int
	primaries, transfer, matrix int
	fullRange                   bool
}

// Encryption is the content of a protected sample entry (ISO/IEC 14496-12 8.12, ISO/IEC
// 23001-7 8.2).
type Encryption struct {
	Scheme          string // "cenc", "cens", "cbc1", "cbcs", …
	KID             [16]byte
	PerSampleIVSize int    // bytes
	ConstantIV      []byte // if PerSampleIVSize is 0
	CryptBlocks     int    // of 16 bytes, of the pattern
	SkipBlocks      int
}

const (
	sampleEntryBytes  = 8
	visualSampleBytes = 78 // fields of a VisualSampleEntry (12.1.3)
)

// readDescriptions reads the sample descriptions. The first of H.264 or H.265 that can
// be shown describes the track, else the first of all.
func (t *Track) readDescriptions(stsd box) {
	if len(stsd.body) < 8 {
		return
	}

	main := -1
	for entry := range listBoxes(stsd.body[8:], stsd.at) {
		d := description{format: entry.kind}
		if t.Handler == "soun" {
			t.readAudioEntry(entry)
		} else {
			d.readVisual(entry)
		}
		t.descriptions = append(t.descriptions, d)
		if main < 0 && d.err == nil {
			main = len(t.descriptions) - 1
		}
	}
	if len(t.descriptions) == 0 {
		return
	}

	t.main = max(main, 0)
	d := &t.descriptions[t.main]
	t.Codec, t.SampleEntry = d.codec, d.format
	t.ParameterSets, t.NALLengthSize, t.Encryption = d.sets, d.nalLengthSize, d.encryption
	if d.codec != keyframe.UnknownCodec {
		t.err = d.err
	}
	if t.codecName == "unknown" {
		t.codecName = codecName(d, stsd)
	}
	if info, ok := d.readInfo(); ok {
		t.Info = info
		d.completeInfo(&t.Info)
	}
}

// readInfo returns what the first sequence parameter set says.
func (d *description) readInfo() (info keyframe.Info, ok bool) {
	for _, sps := range d.sets {
		if !d.codec.IsSPS(sps) {
			continue
		}
		if info, err := keyframe.ParseInfo(d.codec, sps); err == nil {
			return info, true
		}
	}
	return info, false
}

// readVisual reads a VisualSampleEntry (ISO/IEC 14496-12 12.1.3).
func (d *description) readVisual(entry box) {
	if len(entry.body) >= visualSampleBytes {
		d.readVisualParts(box{entry.kind, entry.body[visualSampleBytes:], entry.at})
	}

	if d.codec == keyframe.UnknownCodec {
		d.err = fmt.Errorf("%w: sample description %s", keyframe.ErrUnsupported, quoteCode(d.format))
		return
	}
	d.err = d.checkColours()
}

// readVisualParts reads the boxes of a sample entry. Its codec is that of the avcC or
// hvcC box, whatever name the entry has: QuickTime and cameras have names of their own.
func (d *description) readVisualParts(parts box) {
	if sinf, ok := parts.findBox("sinf"); ok {
		d.readProtection(sinf)
	}

	named := keyframe.SampleEntryCodec(d.format)
	for c := range listBoxes(parts.body, parts.at) {
		switch c.kind {
		case "avcC":
			d.readConfig(keyframe.H264, named, c.body)
		case "hvcC":
			d.readConfig(keyframe.H265, named, c.body)
		case "esds":
			d.readObjectConfig(c)
		case "dvcC", "dvvC", "dvwC":
			d.dolby = parseDolbyVision(c.body)
		case "pasp":
			if pasp, err := decodeLeaf[*mp4.PaspBox](c); err == nil && pasp.HSpacing|pasp.VSpacing < 1<<16 {
				d.sarNum, d.sarDen = int(pasp.HSpacing), int(pasp.VSpacing)
			}
		case "colr":
			if colr, err := decodeLeaf[*mp4.ColrBox](c); err == nil {
				d.primaries, d.transfer = int(colr.ColorPrimaries), int(colr.TransferCharacteristics)
				d.matrix, d.fullRange = int(colr.MatrixCoefficients), colr.FullRangeFlag
			}
		}
	}

	if d.codec == keyframe.UnknownCodec {
		d.codec = named
	}
}

// readConfig reads an avcC or hvcC box. If an entry has both, the one of its name counts.
func (d *description) readConfig(c, named keyframe.Codec, body []byte) {
	if d.codec == named && d.codec != keyframe.UnknownCodec {
		return
	}
	d.codec = c
	d.nalLengthSize, d.sets = parseConfig(c, body)
}

// readObjectConfig reads the esds box of an mp4v entry whose object type (ISO/IEC 14496-1
// table 5) is H.264 or H.265.
func (d *description) readObjectConfig(esds box) {
	codecs := map[byte]keyframe.Codec{0x21: keyframe.H264, 0x23: keyframe.H265}
	c, known := codecs[objectType(esds)]
	if !known || d.codec != keyframe.UnknownCodec {
		return
	}
	d.codec = c

	if e, err := decodeLeaf[*mp4.EsdsBox](esds); err == nil && e.DecConfigDescriptor.DecSpecificInfo != nil {
		d.nalLengthSize, d.sets = parseConfig(c, e.DecConfigDescriptor.DecSpecificInfo.DecConfig)
	}
}

// readProtection reads the sinf box (ISO/IEC 14496-12 8.12.1).
func (d *description) readProtection(sinf box) {
	e := &Encryption{Scheme: "unknown scheme"}
	protected := true
	if b, ok := sinf.findBox("frma"); ok && len(b.body) >= 4 {
		d.format = string(b.body[:4])
	}
	if b, ok := sinf.findBox("schm"); ok && len(b.body) >= 8 {
		e.Scheme = string(b.body[4:8])
	}
	if b, ok := sinf.findBox("schi", "tenc"); ok {
		if tenc, err := decodeLeaf[*mp4.TencBox](b); err == nil {
			protected = tenc.DefaultIsProtected != 0
			copy(e.KID[:], tenc.DefaultKID)
			e.PerSampleIVSize, e.ConstantIV = int(tenc.DefaultPerSampleIVSize), tenc.DefaultConstantIV
			e.CryptBlocks, e.SkipBlocks = int(tenc.DefaultCryptByteBlock), int(tenc.DefaultSkipByteBlock)
		}
	}
	if protected {
		d.encryption = e
	}
}

// completeInfo adds what the sequence parameter set leaves open.
func (d *description) completeInfo(info *keyframe.Info) {
	if (info.SARNum == 0 || info.SARDen == 0) && d.sarNum > 0 && d.sarDen > 0 {
		info.SARNum, info.SARDen = d.sarNum, d.sarDen
	}
	if d.primaries > 0 && isUnspecified(info.Primaries) && isUnspecified(info.Transfer) && isUnspecified(info.Matrix) {
		info.Primaries, info.Transfer, info.Matrix = d.primaries, d.transfer, d.matrix
		info.FullRange = info.FullRange || d.fullRange
	}
}

// isUnspecified reports whether a code point of ISO/IEC 23091-2 means nothing.
func isUnspecified(code int) bool { return code == 0 || code == keyframe.Unspecified }

// parseConfig reads the content of an avcC or hvcC box. Some muxers put the parameter
// sets there as a byte stream.
func parseConfig(c keyframe.Codec, b []byte) (nalLengthSize int, sets [][]byte) {
	switch {
	case isByteStream(b):
		for nalu := range keyframe.AnnexB(b) {
			if c.IsParameterSet(nalu) {
				sets = append(sets, nalu)
			}
		}
		return byteStream, sets
	case c == keyframe.H265:
		return parseHvcC(b)
	}
	return parseAvcC(b)
}

// parseAvcC reads as much as is there of an AVCDecoderConfigurationRecord (ISO/IEC
// 14496-15 5.3.3.1). An empty one, which some muxers write before an Annex B byte
// stream, gives a NAL length size of 0.
func parseAvcC(b []byte) (nalLengthSize int, sets [][]byte) {
	if len(b) < 6 {
		return 0, nil
	}
	nalLengthSize = int(b[4]&3) + 1
	count := int(b[5] & 0x1f)
	sets, b = cutSets(nil, b[6:], count)
	if len(b) > 0 {
		sets, _ = cutSets(sets, b[1:], int(b[0]))
	}
	return nalLengthSize, sets
}

// parseHvcC reads an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 8.3.3.1).
func parseHvcC(b []byte) (nalLengthSize int, sets [][]byte) {
	const fixed = 23
	if len(b) < fixed {
		return 0, nil
	}

	nalLengthSize = int(b[21]&3) + 1
	arrays := int(b[22])
	b = b[fixed:]
	for range arrays {
		if len(b) < 3 {
			break
		}
		sets, b = cutSets(sets, b[3:], int(binary.BigEndian.Uint16(b[1:])))
	}
	return nalLengthSize, sets
}

// cutSets cuts count NAL units with lengths of 16 bits off b.
func cutSets(sets [][]byte, b []byte, count int) (_ [][]byte, rest []byte) {
	for range count {
		if len(b) < 2 {
			return sets, nil
		}

		n := int(binary.BigEndian.Uint16(b)) + 2
		if n > len(b) {
			return sets, nil
		}
		if n > 2 {
			sets = append(sets, slices.Clip(b[2:n]))
		}
		b = b[n:]
	}
	return sets, b
}
