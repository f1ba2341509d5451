package bench

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/Eyevinn/mp4ff/mp4"
)

// span is a box's place in a file.
type span struct {
	kind       string
	start, end int64
}

// boxes lists the top-level boxes of a file that ffmpeg made (ISO/IEC 14496-12
// 4.2, with 32-bit sizes).
func boxes(b []byte) ([]span, error) {
	var out []span
	for at := int64(0); at < int64(len(b)); {
		if at+8 > int64(len(b)) {
			return nil, fmt.Errorf("box header cut off at %d", at)
		}
		size := int64(binary.BigEndian.Uint32(b[at:]))
		if size < 8 || at+size > int64(len(b)) {
			return nil, fmt.Errorf("box at %d has size %d", at, size)
		}
		out = append(out, span{kind: string(b[at+4 : at+8]), start: at, end: at + size})
		at += size
	}
	return out, nil
}

// keySample is where the first video sample of a fragmented file lies, which is
// a keyframe in what ffmpeg's HLS muxer makes.
type keySample struct {
	moofEnd    int64 // behind the index that tells of the sample
	start, end int64
}

// firstSample reads segment, whose initialisation section is init.
func firstSample(init, segment []byte) (keySample, error) {
	f, err := mp4.DecodeFile(bytes.NewReader(append(bytes.Clone(init), segment...)))
	if err != nil {
		return keySample{}, err
	}
	moov := f.Init.Moov
	for _, s := range f.Segments {
		for _, fragment := range s.Fragments {
			for _, traf := range fragment.Moof.Trafs {
				if !isVideo(moov, traf.Tfhd.TrackID) || len(traf.Truns) == 0 || len(traf.Truns[0].Samples) == 0 {
					continue
				}
				trex, _ := moov.Mvex.GetTrex(traf.Tfhd.TrackID)
				run := traf.Trun
				run.AddSampleDefaultValues(traf.Tfhd, trex)
				start := int64(fragment.Moof.StartPos) + int64(run.DataOffset) - int64(len(init))
				return keySample{
					moofEnd: int64(fragment.Moof.StartPos+fragment.Moof.Size()) - int64(len(init)),
					start:   start, end: start + int64(run.Samples[0].Size),
				}, nil
			}
		}
	}
	return keySample{}, fmt.Errorf("no video sample")
}

func isVideo(moov *mp4.MoovBox, track uint32) bool {
	for _, t := range moov.Traks {
		if t.Tkhd.TrackID == track {
			return t.Mdia.Hdlr.HandlerType == "vide"
		}
	}
	return false
}
