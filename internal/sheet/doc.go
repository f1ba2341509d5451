// Package sheet makes one picture of many moments of a recording, or of the past that
// a live stream lists, and tells players where in it each moment is (WebVTT).
//
// Call [Make]; then [Sheet.Encode] and [Sheet.WriteVTT]. Of the video, the keyframes
// that are shown are fetched and nothing else, a few at once: see kfgrab.Timeline for
// the streams that have times to go to.
//
// A keyframe that cannot be had leaves its tile empty, and [Sheet.Missing] says so.
// There are no captions on the tiles, and no file is written here.
package sheet
