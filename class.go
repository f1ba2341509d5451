package kfgrab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/rtsp"
)

// Class is the kind of an error, as finely as a script needs it.
type Class uint8

// The classes. Their numbers are the command's exit codes.
const (
	OK           Class = iota
	Other              // anything else: a file that cannot be read or written, an interruption
	Usage              // a URL, an option or a file name that makes no sense
	NoKeyframe         // the stream was read and held no keyframe within the budget
	Network            // no connection, or a server's refusal
	Unauthorised       // credentials are missing or wrong
	Timeout            // the time limit was reached
	BadStream          // corrupt, encrypted, or in a codec that kfgrab does not read
	Decoder            // ffmpeg is missing or failed
	NotModified        // there is no newer keyframe, and Options.IfNewer asks for one; the command never does
)

// classRow describes one class.
type classRow struct {
	name   string
	status int // of HTTP
	reason string
}

// classes is the table of all classes.
var classes = [...]classRow{
	OK:           {"ok", http.StatusOK, "all is well"},
	Other:        {"other", http.StatusInternalServerError, "something failed that is not the stream's fault"},
	Usage:        {"usage", http.StatusBadRequest, "the request makes no sense"},
	NoKeyframe:   {"no-keyframe", http.StatusBadGateway, "the stream held no keyframe"},
	Network:      {"network", http.StatusBadGateway, "the stream cannot be reached, or its server refuses it"},
	Unauthorised: {"unauthorised", http.StatusBadGateway, "the stream's server refuses the credentials, or needs some"},
	Timeout:      {"timeout", http.StatusGatewayTimeout, "the stream took too long"},
	BadStream:    {"bad-stream", http.StatusBadGateway, "the stream is corrupt, encrypted, or in a codec that kfgrab does not read"},
	Decoder:      {"decoder", http.StatusServiceUnavailable, "the decoder is missing or failed"},
	NotModified:  {"not-modified", http.StatusNotModified, "there is no newer keyframe"},
}

// String returns a short name in lower case, for logs and metrics.
func (c Class) String() string {
	if int(c) >= len(classes) {
		return fmt.Sprintf("Class(%d)", uint8(c))
	}
	return classes[c].name
}

// ExitCode returns the command's exit code.
func (c Class) ExitCode() int { return int(c) }

// HTTPStatus returns the status with which a snapshot service answers.
func (c Class) HTTPStatus() int { return c.row().status }

// Reason describes the class without the stream's address, which errors contain.
func (c Class) Reason() string { return c.row().reason }

// row returns the row of c. An unknown class is as bad as Other.
func (c Class) row() classRow {
	if int(c) >= len(classes) {
		c = Other
	}
	return classes[c]
}

// ClassOf sorts an error of this module's packages.
func ClassOf(err error) Class {
	var decoder *decode.Error
	switch {
	case err == nil:
		return OK
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return Timeout
	case errors.Is(err, context.Canceled):
		return Other
	case errors.Is(err, ErrUsage), errors.Is(err, decode.ErrCrop):
		return Usage
	case errors.Is(err, keyframe.ErrNotModified):
		return NotModified
	}
	if c := statusClass(err); c != OK {
		return c
	}

	switch {
	case errors.Is(err, keyframe.ErrCorrupt), errors.Is(err, keyframe.ErrUnsupported):
		return BadStream
	case errors.Is(err, keyframe.ErrNotFound):
		return NoKeyframe
	case errors.As(err, &decoder), errors.Is(err, decode.ErrNoFFmpeg):
		return Decoder
	}
	return networkClass(err)
}

// statusClass sorts the answers of HTTP and RTSP servers.
func statusClass(err error) Class {
	var http *fetch.StatusError
	var rtsp *rtsp.StatusError
	code := 0

	switch {
	case errors.As(err, &http):
		code = http.Code
	case errors.As(err, &rtsp):
		code = int(rtsp.Code)
	}

	switch code {
	case 0:
		return OK
	case 401, 403, 407:
		return Unauthorised
	}
	return Network
}

func networkClass(err error) Class {
	var transfer *fetch.Error
	var network net.Error
	var local *fs.PathError
	switch {
	case errors.As(err, &local): // its errno would count as a net.Error
		return Other
	case errors.As(err, &network) && network.Timeout():
		return Timeout
	case errors.As(err, &transfer), network != nil, errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return Network
	}
	return Other
}
