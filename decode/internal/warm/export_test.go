package warm

import "github.com/kfgrab/kfgrab/keyframe"

// For tests that decode with package decode.
var Washers = map[keyframe.Codec][]byte{keyframe.H264: washer264, keyframe.H265: washer265}

const WasherSide = washerSide
