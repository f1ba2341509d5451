package warm

import "github.com/kfgrab/kfgrab/keyframe"

// Washers is for tests that import package decode.
var Washers = map[keyframe.Codec][]byte{keyframe.H264: washer264, keyframe.H265: washer265}

const WasherSide = washerSide
