package origin

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/kfgrab/kfgrab/keyframe"
)

// stream is a byte stream split into access units, without delimiters.
type stream struct {
	units         [][][]byte // NAL units of each access unit
	vps, sps, pps []byte     // vps only of H.265
}

func loadStreams(dir string) (map[keyframe.Codec]stream, error) {
	streams := map[keyframe.Codec]stream{}
	for codec, name := range map[keyframe.Codec]string{keyframe.H264: file264, keyframe.H265: file265} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		s := parseUnits(codec, b)
		if len(s.units) == 0 || s.sps == nil || s.pps == nil {
			return nil, fmt.Errorf("%s contains no stream", name)
		}
		streams[codec] = s
	}
	return streams, nil
}

// parseUnits splits an Annex B stream at its access unit delimiters.
func parseUnits(codec keyframe.Codec, b []byte) stream {
	var s stream
	for nalu := range keyframe.AnnexB(b) {
		if s.noteParameterSet(codec, nalu) {
			s.units = append(s.units, nil)
		} else if n := len(s.units); n > 0 {
			s.units[n-1] = append(s.units[n-1], nalu)
		}
	}
	return s
}

// noteParameterSet keeps nalu if it is a parameter set, and reports whether it is an access
// unit delimiter.
func (s *stream) noteParameterSet(codec keyframe.Codec, nalu []byte) (delimiter bool) {
	switch {
	case codec.IsVPS(nalu):
		s.vps = nalu
	case codec.IsSPS(nalu):
		s.sps = nalu
	case codec.IsPPS(nalu):
		s.pps = nalu
	}
	return codec.IsAccessUnitDelimiter(nalu)
}
