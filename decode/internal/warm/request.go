package warm

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Settings are what package decode knows about the picture to make.
type Settings struct {
	// Key holds everything that the picture depends on, except the access unit.
	Key string
	// Deinterlaces is set if the arguments deinterlace pictures of this frame.
	Deinterlaces bool
	// Patience is how long a process may take.
	Patience time.Duration
	// Arguments returns ffmpeg's command line, with input where the demuxer belongs
	// and filter in front of the other filters.
	Arguments func(input []string, filter string) []string
	// IsWhole reports whether picture, written so far, is one whole picture. The error is
	// not nil if it is more than that, or something else.
	IsWhole func(picture []byte) (bool, error)
	// Again is nil or another form of the access unit, which must give the same
	// picture.
	Again []byte
}

// Request is a frame in the form in which a warm process gets it.
type Request struct {
	settings      Settings
	codec         keyframe.Codec
	width, height int // of the coded picture
	key           string
	packets       [][]byte // the frame, and Settings.Again if there is one
}

// NewRequest returns the request for f, whose access unit is data. ok is false if f
// can only be decoded alone: the package comment lists when and why.
func NewRequest(f *keyframe.Frame, data []byte, s Settings) (r *Request, ok bool) {
	i := f.Info
	isVideo := f.Codec == keyframe.H264 || f.Codec == keyframe.H265
	mayDeinterlace := i.Interlaced && (f.Codec == keyframe.H264 || s.Deinterlaces)
	looksLikeWasher := i.CodedWidth == washerSide && i.CodedHeight == washerSide
	if !isVideo || f.Pictures > 1 || mayDeinterlace || looksLikeWasher {
		return nil, false
	}

	r = &Request{settings: s, codec: f.Codec, width: i.CodedWidth, height: i.CodedHeight}
	key, rest := []byte(s.Key), len(data)
	var packet []byte
	for nalu := range keyframe.AnnexB(data) {
		rest -= 4 + len(nalu)
		if f.Codec.IsParameterSet(nalu) {
			key = binary.BigEndian.AppendUint32(key, uint32(len(nalu)))
			key = append(key, nalu...)
		}
		if f.Codec == keyframe.H264 && f.Codec.IsSPS(nalu) {
			var err error
			if nalu, err = keyframe.WithoutReordering(nalu); err != nil {
				return nil, false
			}
		}
		packet = keyframe.AppendNALU(packet, nalu)
	}
	if rest != 0 {
		return nil, false // there is something between the NAL units
	}

	r.key = string(key)
	r.packets = [][]byte{packet}
	if s.Again != nil {
		r.packets = append(r.packets, s.Again)
	}
	return r, true
}

// arguments makes ffmpeg read IVF, print the number of each picture, and drop the
// washers' pictures in front of the filters.
func (r *Request) arguments() []string {
	input := []string{
		"-c:v", r.codec.String(), "-f", "ivf", "-reinit_filter", "0", "-i", "pipe:0", "-map", "0",
		"-copyts", "-fps_mode", "passthrough", "-flush_packets", "1",
	}
	drop := fmt.Sprintf(`select='not(mod(print(pts),%d))',`, numbersPerFrame)
	return r.settings.Arguments(input, drop)
}

// A packet's number is the frame's number plus its place after the frame.
const (
	firstWasher     = 1 // complaints before this picture are about the frame
	lateWasher      = 2 // this picture may come with the next frame
	numbersPerFrame = 3
)

// withWashers returns the packets to send for one packet of a frame.
func (r *Request) withWashers(packet []byte) [][]byte {
	if r.codec == keyframe.H265 {
		return [][]byte{packet, washer265, washer265}
	}
	return [][]byte{packet, washer264}
}

// ivfHeader returns the start of an IVF file.
func (r *Request) ivfHeader() []byte {
	h := []byte("DKIF\x00\x00\x20\x00\x00\x00\x00\x00") // version, length, no codec
	h = binary.LittleEndian.AppendUint16(h, uint16(r.width))
	h = binary.LittleEndian.AppendUint16(h, uint16(r.height))
	h = binary.LittleEndian.AppendUint32(h, 25) // units of time in a second
	h = binary.LittleEndian.AppendUint32(h, 1)
	return append(h, make([]byte, 8)...)
}

// ivfPacketHeader returns the header in front of a packet.
func ivfPacketHeader(size int, number uint64) []byte {
	h := binary.LittleEndian.AppendUint32(nil, uint32(size))
	return binary.LittleEndian.AppendUint64(h, number)
}

// washerSide is the width and height of a washer's picture.
const washerSide = 16

// cancelSEI has film grain characteristics and alternative transfer characteristics,
// both cancelled (ISO/IEC 23002-7 8.5 and 8.12).
const cancelSEI = "1301c0" + "930102" + "80"

// The washers: see the package comment.
var (
	// washer264 was made with x264: baseline profile, level 1.
	washer264 = annexBOf(
		"6742c00ada7b011000000300100000030328f1226a", "68ce0f2c80",
		"06"+cancelSEI,
		"6588840af26280017c",
		"0a") // end of sequence
	// washer265 was made with x265: Main Still Picture.
	washer265 = annexBOf(
		"40010c01ffff0408000003009fa800000300001eba0240",
		"4201010408000003009fa800000300001ea0884596eaaf0bc05a020000030002000003000210", "4401c173c089",
		"4e01"+cancelSEI,
		"2801ade0ce1fbf0b80",
		"4801") // end of sequence
)

// annexBOf returns a byte stream of NAL units given in hexadecimal.
func annexBOf(nalus ...string) []byte {
	var b bytes.Buffer
	for _, nalu := range nalus {
		b.WriteString("00000001" + nalu)
	}

	data, err := hex.DecodeString(b.String())
	if err != nil {
		panic(err) // the constants above are wrong
	}
	return data
}
