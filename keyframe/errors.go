package keyframe

import "errors"

// Every error of the packages above that is about the stream itself wraps one
// of these three; test with errors.Is.
var (
	// ErrNotFound: the stream was readable, and held no keyframe within the budget.
	ErrNotFound = errors.New("no keyframe")
	// ErrCorrupt: the stream breaks the rules of its format, or ends too early.
	ErrCorrupt = errors.New("corrupt stream")
	// ErrUnsupported: the stream is sound, and kfgrab does not read its codec,
	// container feature or encryption.
	ErrUnsupported = errors.New("unsupported stream")
)

// ErrNotModified: the newest keyframe is the one that was delivered last, which is
// no fault of the stream. Only a source that was asked for newer ones says so.
var ErrNotModified = errors.New("no newer keyframe")
