package origin

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/kfgrab/kfgrab/keyframe"
)

// stream is a byte stream cut into access units, without their delimiters.
type stream struct {
	units         [][][]byte // NAL units of each access unit
	vps, sps, pps []byte     // vps of H.265 alone
}

// NAL unit types (ISO/IEC 14496-10 table 7-1, ISO/IEC 23008-2 table 7-1).
const (
	avcSPS, avcPPS, avcDelimiter             = 7, 8, 9
	hevcVPS, hevcSPS, hevcPPS, hevcDelimiter = 32, 33, 34, 35
)

func loadStreams(dir string) (map[keyframe.Codec]stream, error) {
	streams := map[keyframe.Codec]stream{}
	for codec, name := range map[keyframe.Codec]string{keyframe.H264: file264, keyframe.H265: file265} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		s := parseUnits(codec, b)
		if len(s.units) == 0 || s.sps == nil || s.pps == nil {
			return nil, fmt.Errorf("%s holds no stream", name)
		}
		streams[codec] = s
	}
	return streams, nil
}

// parseUnits cuts an Annex B stream at its access unit delimiters.
func parseUnits(codec keyframe.Codec, b []byte) stream {
	var s stream
	for nalu := range keyframe.AnnexB(b) {
		if s.note(codec, nalu) {
			s.units = append(s.units, nil)
		} else if n := len(s.units); n > 0 {
			s.units[n-1] = append(s.units[n-1], nalu)
		}
	}
	return s
}

// note keeps parameter sets, and tells whether nalu is a delimiter.
func (s *stream) note(codec keyframe.Codec, nalu []byte) (delimiter bool) {
	if codec == keyframe.H264 {
		switch nalu[0] & 0x1f {
		case avcSPS:
			s.sps = nalu
		case avcPPS:
			s.pps = nalu
		case avcDelimiter:
			return true
		}
		return false
	}
	switch nalu[0] >> 1 & 0x3f {
	case hevcVPS:
		s.vps = nalu
	case hevcSPS:
		s.sps = nalu
	case hevcPPS:
		s.pps = nalu
	case hevcDelimiter:
		return true
	}
	return false
}
