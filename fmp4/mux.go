package fmp4

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/hevc"
	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	// muxTimescale is that of MPEG-TS, which frame rates of 24 to 60 divide.
	muxTimescale = 90000
	// muxDuration is used for streams without a frame rate: 1/25 s.
	muxDuration = muxTimescale / 25
)

// Mux returns an MP4 file of one sample: f, with the parameter sets before its first
// slice moved to the avcC or hvcC box. Sets that come later stay where they are, which
// the sample entries avc3 and hev1 allow. The file has the sample aspect ratio as pasp and the colour as colr. The
// index comes first. The error wraps keyframe.ErrUnsupported for a frame of
// several pictures (keyframe.GradualRefresh), which one sample cannot show, and
// keyframe.ErrCorrupt for one without parameter sets or picture.
func Mux(f *keyframe.Frame) ([]byte, error) {
	if f.Pictures > 1 {
		return nil, fmt.Errorf("%w: a gradual refresh of %d pictures does not fit in an MP4 file of one", keyframe.ErrUnsupported, f.Pictures)
	}
	sets, payload, changing := splitFrame(f)
	if len(payload) == 0 {
		return nil, fmt.Errorf("%w: no picture to put in an MP4 file", keyframe.ErrCorrupt)
	}
	entry, err := sampleEntry(f, sets, changing)
	if err != nil {
		return nil, err
	}

	ftyp := mp4.NewFtyp("isom", 0x200, []string{"isom", "iso2", "mp41"})
	moov := muxMoov(&f.Info, entry, uint32(len(payload)))
	mdat := &mp4.MdatBox{Data: payload}
	// The offset has a fixed width, so that the size does not depend on it.
	moov.Trak.Mdia.Minf.Stbl.Stco.ChunkOffset[0] = uint32(ftyp.Size() + moov.Size() + mdat.HeaderSize())

	var out bytes.Buffer
	out.Grow(int(ftyp.Size() + moov.Size() + mdat.Size()))
	for _, b := range []mp4.Box{ftyp, moov, mdat} {
		if err := b.Encode(&out); err != nil {
			return nil, fmt.Errorf("writing the %s box: %w", b.Type(), err)
		}
	}
	return out.Bytes(), nil
}

// splitFrame separates the parameter sets in front from the access unit, and replaces
// the start codes of its NAL units with lengths of four bytes. The sets are changing if
// others are in the access unit.
func splitFrame(f *keyframe.Frame) (sets parameterSets, payload []byte, changing bool) {
	payload = make([]byte, 0, len(f.Data))
	for nalu := range keyframe.AnnexB(f.Data) {
		if len(payload) == 0 && sets.add(f.Codec, nalu) {
			continue
		}
		changing = changing || f.Codec.IsParameterSet(nalu)
		payload = binary.BigEndian.AppendUint32(payload, uint32(len(nalu)))
		payload = append(payload, nalu...)
	}
	return sets, payload, changing
}

// parameterSets are those of one frame, by their type.
type parameterSets struct{ vps, sps, pps [][]byte }

// add keeps nalu, and reports whether it is a parameter set.
func (p *parameterSets) add(c keyframe.Codec, nalu []byte) bool {
	switch {
	case c.IsVPS(nalu):
		p.vps = append(p.vps, nalu)
	case c.IsSPS(nalu):
		p.sps = append(p.sps, nalu)
	case c.IsPPS(nalu):
		p.pps = append(p.pps, nalu)
	default:
		return false
	}
	return true
}

// sampleEntry makes the avc1 or hvc1 box, or avc3 or hev1 if the sample has parameter
// sets of its own (ISO/IEC 14496-15 5.4.2.1, 8.4.1).
func sampleEntry(f *keyframe.Frame, sets parameterSets, changing bool) (*mp4.VisualSampleEntryBox, error) {
	var name string
	var config mp4.Box
	switch f.Codec {
	case keyframe.H264:
		if len(sets.sps) == 0 || len(sets.sps[0]) < 4 || len(sets.pps) == 0 {
			return nil, errNoSets
		}
		name, config = "avc1", avcConfig(&f.Info, sets)
	case keyframe.H265:
		if len(sets.sps) == 0 || len(sets.pps) == 0 {
			return nil, errNoSets
		}
		record, err := hevcConfig(&f.Info, sets, !changing)
		if err != nil {
			return nil, err
		}
		name, config = "hvc1", record
	default:
		return nil, fmt.Errorf("%w: codec %v in an MP4 file", keyframe.ErrUnsupported, f.Codec)
	}

	if changing {
		name = map[string]string{"avc1": "avc3", "hvc1": "hev1"}[name]
	}

	i := &f.Info
	entry := mp4.CreateVisualSampleEntryBox(name, uint16(i.Width), uint16(i.Height), config)
	entry.CompressorName = ""
	if i.SARNum > 0 && i.SARDen > 0 {
		entry.AddChild(&mp4.PaspBox{HSpacing: uint32(i.SARNum), VSpacing: uint32(i.SARDen)})
	}
	if i.FullRange || !isUnspecified(i.Primaries) || !isUnspecified(i.Transfer) || !isUnspecified(i.Matrix) {
		entry.AddChild(&mp4.ColrBox{
			ColorType: mp4.ColorTypeOnScreenColors, ColorPrimaries: uint16(i.Primaries),
			TransferCharacteristics: uint16(i.Transfer), MatrixCoefficients: uint16(i.Matrix), FullRangeFlag: i.FullRange,
		})
	}
	return entry, nil
}

var errNoSets = fmt.Errorf("%w: a keyframe without its parameter sets", keyframe.ErrCorrupt)

func avcConfig(i *keyframe.Info, sets parameterSets) mp4.Box {
	sps := sets.sps[0]
	return &mp4.AvcCBox{DecConfRec: avc.DecConfRec{
		AVCProfileIndication: sps[1], ProfileCompatibility: sps[2], AVCLevelIndication: sps[3],
		SPSnalus: sets.sps, PPSnalus: sets.pps,
		ChromaFormat:       byte(i.ChromaFormat),
		BitDepthLumaMinus1: byte(i.BitDepth - 8), BitDepthChromaMinus1: byte(i.BitDepth - 8),
	}}
}

// hevcConfig copies the profile, tier and level of the first SPS (ISO/IEC 23008-2
// 7.3.2.2, 7.3.3), which are at fixed places. The sets are complete if the sample has
// no others.
func hevcConfig(i *keyframe.Info, sets parameterSets, complete bool) (mp4.Box, error) {
	head := keyframe.AppendRBSP(nil, sets.sps[0])
	if len(head) < 15 {
		return nil, errNoSets
	}
	constraints := uint64(binary.BigEndian.Uint16(head[8:]))<<32 | uint64(binary.BigEndian.Uint32(head[10:]))
	record := hevc.DecConfRec{
		ConfigurationVersion: 1,
		GeneralProfileSpace:  head[3] >> 6, GeneralTierFlag: head[3]&0x20 != 0, GeneralProfileIDC: head[3] & 0x1f,
		GeneralProfileCompatibilityFlags: binary.BigEndian.Uint32(head[4:]),
		GeneralConstraintIndicatorFlags:  constraints,
		GeneralLevelIDC:                  head[14],
		ChromaFormatIDC:                  byte(i.ChromaFormat),
		BitDepthLumaMinus8:               byte(i.BitDepth - 8), BitDepthChromaMinus8: byte(i.BitDepth - 8),
		NumTemporalLayers: head[2]>>1&7 + 1, TemporalIDNested: head[2] & 1, LengthSizeMinusOne: 3,
	}

	for _, a := range []struct {
		kind  hevc.NaluType
		nalus [][]byte
	}{{hevc.NALU_VPS, sets.vps}, {hevc.NALU_SPS, sets.sps}, {hevc.NALU_PPS, sets.pps}} {
		if len(a.nalus) > 0 {
			record.NaluArrays = append(record.NaluArrays, hevc.NewNaluArray(complete, a.kind, a.nalus))
		}
	}
	return &mp4.HvcCBox{DecConfRec: record}, nil
}

// displayMatrix is the counterpart of matrixOrientation (ISO/IEC 14496-12 6.2.2), in
// 16.16 except for the last column. It moves a turned picture so that no coordinate is
// negative.
func displayMatrix(i *keyframe.Info, width int) [9]int32 {
	const one = 1 << 16
	a, b := [...]int32{one, 0, -one, 0}[i.Rotation/90&3], [...]int32{0, one, 0, -one}[i.Rotation/90&3]
	m := [9]int32{a, b, 0, -b, a, 0, 0, 0, one << 14}
	if i.Mirrored {
		m[0], m[1] = -a, -b
	}
	m[6] = -min(0, m[0])*int32(width) - min(0, m[3])*int32(i.Height)
	m[7] = -min(0, m[1])*int32(width) - min(0, m[4])*int32(i.Height)
	return m
}

// muxMoov returns an index of one track with one sample.
func muxMoov(i *keyframe.Info, entry mp4.Box, size uint32) *mp4.MoovBox {
	duration := uint32(muxDuration)
	if i.FrameRateNum > 0 && i.FrameRateDen > 0 {
		if d := muxTimescale * uint64(i.FrameRateDen) / uint64(i.FrameRateNum); d > 0 && d <= muxTimescale {
			duration = uint32(d)
		}
	}

	moov := mp4.NewMoovBox()
	mvhd := mp4.CreateMvhd()
	mvhd.Timescale, mvhd.Duration, mvhd.NextTrackID = muxTimescale, uint64(duration), 2
	moov.AddChild(mvhd)

	trak := mp4.CreateEmptyTrak(1, muxTimescale, "video", "und")
	trak.Tkhd.Duration, trak.Mdia.Mdhd.Duration = uint64(duration), uint64(duration)

	shown := i.Width
	if i.SARNum > 0 && i.SARDen > 0 {
		shown = i.Width * i.SARNum / i.SARDen
	}
	trak.Tkhd.Width, trak.Tkhd.Height = mp4.Fixed32(min(shown, 0xffff)<<16), mp4.Fixed32(i.Height<<16)
	trak.Tkhd.Matrix = displayMatrix(i, min(shown, 0xffff))

	stbl := trak.Mdia.Minf.Stbl
	stbl.Stsd.AddChild(entry)
	stbl.Stts.SampleCount, stbl.Stts.SampleTimeDelta = []uint32{1}, []uint32{duration}
	stbl.Stsc.Entries = []mp4.StscEntry{{FirstChunk: 1, SamplesPerChunk: 1, FirstSampleNr: 1}}
	stbl.Stsc.SetSingleSampleDescriptionID(1)
	stbl.Stsz.SampleNumber, stbl.Stsz.SampleSize = 1, []uint32{size}
	stbl.Stco.ChunkOffset = []uint32{0}
	stbl.AddChild(&mp4.StssBox{SampleNumber: []uint32{1}})
	moov.AddChild(trak)
	return moov
}
