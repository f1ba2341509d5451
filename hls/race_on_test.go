//go:build race

package hls

// raceDetector is true under the race detector. It makes pools drop items at
// random, so memory cannot be counted.
const raceDetector = true
