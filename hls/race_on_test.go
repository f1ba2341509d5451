//go:build race

package hls

// raceDetector: it makes pools forget at random, and so memory cannot be counted.
const raceDetector = true
