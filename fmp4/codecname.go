package fmp4

import (
	"bytes"
	"encoding/binary"

	"github.com/Eyevinn/mp4ff/aac"
	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/kfgrab/kfgrab/keyframe"
)

// codecNames maps sample entries (mp4ra.org) to ffprobe's codec names.
var codecNames = map[string]string{
	"av01": "av1", "vp08": "vp8", "vp09": "vp9", "vvc1": "vvc", "vvi1": "vvc", "mp4v": "mpeg4",
	"jpeg": "mjpeg", "mjpg": "mjpeg", "mjpa": "mjpeg", "s263": "h263", "H263": "h263",
	"apch": "prores", "apcn": "prores", "apcs": "prores", "apco": "prores", "ap4h": "prores", "ap4x": "prores",

	"mp4a": "aac", "ac-3": "ac3", "ec-3": "eac3", "ac-4": "ac4", "Opus": "opus", "fLaC": "flac", "alac": "alac",
	".mp3": "mp3", "dtsc": "dts", "dtsh": "dts", "dtsl": "dts", "dtse": "dts", "samr": "amr_nb", "sawb": "amr_wb",
	"sowt": "pcm_s16le", "twos": "pcm_s16be", "ulaw": "pcm_mulaw", "alaw": "pcm_alaw",

	"wvtt": "webvtt", "stpp": "ttml", "tx3g": "mov_text", "text": "mov_text", "c608": "eia_608",
}

// objectTypes maps the objectTypeIndication of an esds box (ISO/IEC 14496-1 table 5)
// to ffprobe's codec names.
var objectTypes = map[byte]string{
	0x20: "mpeg4", 0x21: "h264", 0x23: "hevc", 0x60: "mpeg2video", 0x61: "mpeg2video", 0x62: "mpeg2video",
	0x63: "mpeg2video", 0x64: "mpeg2video", 0x65: "mpeg2video", 0x6a: "mpeg1video", 0x6c: "mjpeg",
	0x40: "aac", 0x66: "aac", 0x67: "aac", 0x68: "aac", 0x69: "mp3", 0x6b: "mp3",
	0xa5: "ac3", 0xa6: "eac3", 0xa9: "dts", 0xad: "opus", 0xdd: "vorbis",
}

// codecName returns the codec name of a description that is not audio.
func codecName(d *description, stsd box) string {
	format := d.format
	if d.codec != keyframe.UnknownCodec {
		return d.codec.String()
	}

	if format == "mp4v" && len(stsd.body) > 8 {
		for entry := range listBoxes(stsd.body[8:], stsd.at) {
			if len(entry.body) < visualSampleBytes {
				break
			}
			esds, _ := box{body: entry.body[visualSampleBytes:]}.findBox("esds")
			if name, ok := objectTypes[objectType(esds)]; ok {
				return name
			}
		}
	}

	if name, ok := codecNames[format]; ok {
		return name
	}
	return "unknown"
}

func objectType(esds box) byte {
	if d, err := decodeLeaf[*mp4.EsdsBox](esds); err == nil && d.DecConfigDescriptor != nil {
		return d.DecConfigDescriptor.ObjectType
	}
	return 0
}

// readAudioEntry reads an AudioSampleEntry (ISO/IEC 14496-12 12.2.3) with
// QuickTime's extensions, whose version is in the first reserved field.
func (t *Track) readAudioEntry(entry box) {
	const fixed = 28
	if len(entry.body) < fixed || t.codecName != "unknown" {
		return
	}

	t.Channels = int(binary.BigEndian.Uint16(entry.body[16:]))
	t.SampleRate = int(binary.BigEndian.Uint16(entry.body[24:]))
	parts := box{entry.kind, entry.body[fixed:], entry.at}
	switch binary.BigEndian.Uint16(entry.body[8:]) {
	case 1:
		parts.body = parts.body[min(16, len(parts.body)):]
	case 2:
		parts.body = parts.body[min(36, len(parts.body)):]
	}

	format := entry.kind
	if frma, ok := parts.findBox("sinf", "frma"); ok && len(frma.body) >= 4 {
		format = string(frma.body[:4])
	}
	t.codecName = codecName(&description{format: format}, box{})
	esds, ok := parts.findBox("esds")
	if !ok {
		esds, ok = parts.findBox("wave", "esds")
	}
	if ok {
		t.readAudioConfig(esds)
	}

	if dec3, ok := parts.findBox("dec3"); ok {
		if d, err := decodeLeaf[*mp4.Dec3Box](dec3); err == nil {
			t.Channels, _ = d.ChannelInfo()
		}
	}
	if dac3, ok := parts.findBox("dac3"); ok {
		if d, err := decodeLeaf[*mp4.Dac3Box](dac3); err == nil {
			t.Channels, _ = d.ChannelInfo()
		}
	}
}

// readAudioConfig takes the codec from the object type and, for AAC, the sample
// rate and channels from the AudioSpecificConfig, which overrides the sample
// entry (ISO/IEC 14496-14 5.6).
func (t *Track) readAudioConfig(esds box) {
	if name, ok := objectTypes[objectType(esds)]; ok {
		t.codecName = name
	}
	d, err := decodeLeaf[*mp4.EsdsBox](esds)
	if err != nil || t.codecName != "aac" || d.DecConfigDescriptor == nil || d.DecConfigDescriptor.DecSpecificInfo == nil {
		return
	}
	config, err := aac.DecodeAudioSpecificConfigHeader(bytes.NewReader(d.DecConfigDescriptor.DecSpecificInfo.DecConfig))
	if err != nil {
		return
	}
	if config.SamplingFrequency > 0 {
		t.SampleRate = config.SamplingFrequency
	}
	if n := int(config.ChannelConfiguration); n == 7 {
		t.Channels = 8
	} else if n > 0 && n < 7 {
		t.Channels = n
	}
}
