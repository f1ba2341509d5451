//go:build race

package hls

// raceDetector is on: pools drop items at random, so memory cannot be counted.
const raceDetector = true
