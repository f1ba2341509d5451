package kfgrab_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"

	kfgrab "github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/rtsp"
)

func TestClassOf(t *testing.T) {
	caused := func(cause error) error {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		return context.Cause(ctx)
	}
	expired, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	<-expired.Done()
	tests := []struct {
		err  error
		want kfgrab.Class
	}{
		{nil, kfgrab.OK},
		{errors.New("x"), kfgrab.Other},
		{context.Canceled, kfgrab.Other},
		{caused(errStopped), kfgrab.Other},
		{&fs.PathError{Op: "open", Path: "a", Err: syscall.ENOENT}, kfgrab.Other},
		{&fs.PathError{Op: "write", Path: "/dev/full", Err: syscall.ENOSPC}, kfgrab.Other},
		{kfgrab.ErrUsage, kfgrab.Usage},
		{decode.ErrCrop, kfgrab.Usage},
		{keyframe.ErrNotFound, kfgrab.NoKeyframe},
		{fetch.ErrBudget, kfgrab.NoKeyframe},
		{&fetch.StatusError{Code: 404}, kfgrab.Network},
		{&fetch.StatusError{Code: 503}, kfgrab.Network},
		{&rtsp.StatusError{Code: 454}, kfgrab.Network},
		{&fetch.Error{Msg: "reset", Err: syscall.ECONNRESET}, kfgrab.Network},
		{&fetch.Error{Msg: "broke off", Err: io.ErrUnexpectedEOF}, kfgrab.Network},
		{&fetch.Error{Msg: "no proper answer"}, kfgrab.Network},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, kfgrab.Network},
		{&net.DNSError{Err: "no such host", IsNotFound: true}, kfgrab.Network},
		{io.ErrUnexpectedEOF, kfgrab.Network},
		{net.ErrClosed, kfgrab.Network},
		{&fetch.StatusError{Code: 401}, kfgrab.Unauthorised},
		{&fetch.StatusError{Code: 403}, kfgrab.Unauthorised},
		{&fetch.StatusError{Code: 407}, kfgrab.Unauthorised},
		{&net.OpError{Op: "TLS handshake", Err: x509.UnknownAuthorityError{}}, kfgrab.Network},
		{&rtsp.StatusError{Code: 401}, kfgrab.Unauthorised},
		{context.DeadlineExceeded, kfgrab.Timeout},
		{context.Cause(expired), kfgrab.Timeout},
		{caused(context.DeadlineExceeded), kfgrab.Timeout},
		{os.ErrDeadlineExceeded, kfgrab.Timeout},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, kfgrab.Timeout},
		{&fetch.Error{Msg: "timed out", Err: &net.DNSError{IsTimeout: true}}, kfgrab.Timeout},
		{&decode.Error{Err: context.DeadlineExceeded}, kfgrab.Timeout},
		{keyframe.ErrCorrupt, kfgrab.BadStream},
		{keyframe.ErrUnsupported, kfgrab.BadStream},
		{fetch.ErrTooLarge, kfgrab.BadStream},
		{&decode.Error{Err: keyframe.ErrCorrupt}, kfgrab.BadStream},
		{&decode.Error{Err: errors.New("exit status 1")}, kfgrab.Decoder},
		{&decode.Error{Err: decode.ErrNoFFmpeg}, kfgrab.Decoder},
		{decode.ErrNoFFmpeg, kfgrab.Decoder},
		{keyframe.ErrNotModified, kfgrab.NotModified},
	}
	seen := map[kfgrab.Class]bool{}
	for _, tt := range tests {
		seen[tt.want] = true
		if got := kfgrab.ClassOf(tt.err); got != tt.want {
			t.Errorf("%T %v: %v, want %v", tt.err, tt.err, got, tt.want)
		}
		if tt.err == nil {
			continue
		}
		if got := kfgrab.ClassOf(fmt.Errorf("rtsp://h: %w", fmt.Errorf("more: %w", tt.err))); got != tt.want {
			t.Errorf("wrapped %T %v: %v, want %v", tt.err, tt.err, got, tt.want)
		}
	}
	for c := kfgrab.OK; c <= kfgrab.NotModified; c++ {
		if !seen[c] {
			t.Errorf("no case for %v", c)
		}
	}
}

// TestClasses: every class has a name, reason and exit code of its own, and a
// valid HTTP status.
func TestClasses(t *testing.T) {
	names, reasons, codes := map[string]bool{}, map[string]bool{}, map[int]bool{}
	for c := kfgrab.OK; c <= kfgrab.NotModified; c++ {
		names[c.String()], codes[c.ExitCode()] = true, true
		reasons[c.Reason()] = true
		if s := c.HTTPStatus(); (s == 200) != (c == kfgrab.OK) || s < 200 || s > 599 {
			t.Errorf("%v: status %d", c, s)
		}
	}
	if len(reasons) != 10 || reasons[""] {
		t.Errorf("reasons %v", reasons)
	}
	if len(names) != 10 || names[""] || len(codes) != 10 || kfgrab.Decoder.ExitCode() != 8 || kfgrab.Timeout.ExitCode() != 6 {
		t.Errorf("names %v, codes %v", names, codes)
	}
}
