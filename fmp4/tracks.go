package fmp4

import "github.com/kfgrab/kfgrab/keyframe"

// Tracks lists what Init knows, nil before it is read.
func (m *Movie) Tracks() []keyframe.Track {
	if init := m.Init(); init != nil {
		return init.List()
	}
	return nil
}
