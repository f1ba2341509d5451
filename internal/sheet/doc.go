// Package sheet makes one picture of many moments of a recording, or of the past that a
// live stream lists, and a WebVTT file that tells players where each moment is. It is
// internal to kfgrab, for kfgrab sheet.
//
// Call [Make]; then [Sheet.Encode] and [Sheet.WriteVTT]. Make fetches only the keyframes
// that are shown, a few at once. kfgrab.Timeline documents which streams can be searched
// by time.
//
// A keyframe that cannot be fetched leaves its tile empty, and [Sheet.Missing] returns
// why. The package writes no files.
package sheet
