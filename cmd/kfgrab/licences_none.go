//go:build !embedffmpeg

package main

const licences = `kfgrab is under the MIT licence, which is the file LICENSE of its source; go.mod names
the modules that it is built with. This program holds no ffmpeg: the one that it runs
is a program of its own, under its own licence.
`
