package fmp4

import (
	"fmt"

	"github.com/kfgrab/kfgrab/keyframe"
)

// dolbyVision is a DOVIDecoderConfigurationRecord ("Dolby Vision Streams Within the ISO
// Base Media File Format" 3.2): the dvcC, dvvC or dvwC box of a sample entry.
type dolbyVision struct {
	profile       int
	baseLayer     bool // the track has the pictures, not only what improves another track's
	compatibility int  // dv_bl_signal_compatibility_id: what else the base layer is; 0: nothing
}

// parseDolbyVision returns nil for a record that is cut short.
func parseDolbyVision(b []byte) *dolbyVision {
	if len(b) < 4 {
		return nil
	}
	v := &dolbyVision{profile: int(b[2] >> 1), baseLayer: b[3]&1 != 0}
	if len(b) > 4 {
		v.compatibility = int(b[4] >> 4)
	}
	return v
}

// check returns an error if the pictures of the base layer have other colours than what
// their parameter sets say, as in profiles 1, 3, 5, and partly in 10 and 20.
func (v *dolbyVision) check() error {
	switch {
	case !v.baseLayer:
		return fmt.Errorf("%w: Dolby Vision profile %d, the enhancement layer alone", keyframe.ErrUnsupported, v.profile)
	case v.compatibility != 0:
		return nil
	}

	switch v.profile {
	case 0, 2, 4, 6, 7, 8, 9: // HDR10, HLG or SDR by definition
		return nil
	}
	return dolbyVisionError(fmt.Sprintf("Dolby Vision profile %d", v.profile))
}

func dolbyVisionError(kind string) error {
	return fmt.Errorf("%w: %s, whose colours only a Dolby Vision decoder shows", keyframe.ErrUnsupported, kind)
}

// checkColours returns an error if only a Dolby Vision decoder shows the right colours.
func (d *description) checkColours() error {
	if d.dolby != nil {
		return d.dolby.check()
	}
	if d.format != "dvh1" && d.format != "dvhe" {
		return nil
	}

	// A muxer that lost the record. The pictures of profile 5 signal no colours.
	info, ok := d.readInfo()
	if ok && isUnspecified(info.Transfer) && isUnspecified(info.Matrix) {
		return dolbyVisionError(fmt.Sprintf("Dolby Vision (%s) of an unknown profile", d.format))
	}
	return nil
}
