//go:build !linux

package session

const serverMode = "KFGRAB_SESSION_SERVER"

func serveBenchmark() int { return 1 }
