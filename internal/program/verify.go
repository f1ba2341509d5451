package program

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/term"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/config"
	"github.com/kfgrab/kfgrab/internal/event"
	"github.com/kfgrab/kfgrab/internal/sink"
)

// Verify returns the error with which Open would refuse the file, as far as that can be
// known without a change to any file and without network traffic. warnings are about what
// is possible but hardly meant. Open begins with Verify.
func Verify(ctx context.Context, file *config.File, o *Options) (warnings []string, err error) {
	if err := checkDecoder(ctx, &decode.Decoder{Path: file.FFmpeg}, file); err != nil {
		return nil, err
	}
	for s := range sinksOf(file.Streams) {
		if err := verifySink(s, o); err != nil {
			return nil, err
		}
	}
	if o.State != "" {
		if err := CheckWritable(o.State); err != nil {
			return nil, usageError(fmt.Errorf("state: %w", err))
		}
	}
	return warningsOf(file), nil
}

func verifySink(s *config.Sink, o *Options) error {
	if s.Exec != "" || s.Webhook != nil {
		_, closeHook, err := newHook(s)
		if err != nil {
			return usageError(err)
		}
		return closeHook()
	}

	if _, _, err := s.Templates(); err != nil {
		return usageError(err)
	}
	switch {
	case s.To.Tar:
		if f, ok := o.Stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			return usageError(errors.New("standard output is a terminal; pipe the tar stream into another program"))
		}
		return nil
	case s.To.S3 != nil:
		store, err := newStore(s)
		if err != nil {
			return usageError(err)
		}
		return store.Close()
	}
	if err := CheckWritable(filepath.Join(s.To.Dir, "picture")); err != nil {
		return usageError(err)
	}
	return nil
}

// warningsOf returns a line for each thing in the file that has no effect, or one that few
// users want.
func warningsOf(file *config.File) (list []string) {
	anonymous := false
	for i := range file.Streams {
		s := &file.Streams[i]
		hasDirectory := false
		for k := range s.Sinks {
			hasDirectory = hasDirectory || s.Sinks[k].To.Dir != ""
			anonymous = anonymous || s.Sinks[k].To.S3 != nil
		}
		if s.Retention != (sink.Retention{}) && !hasDirectory {
			list = append(list, fmt.Sprintf("stream %q: retention has no effect, because none of the sinks is a directory", s.Name))
		}
	}
	if anonymous && !sink.HasCredentials() {
		list = append(list, "no credentials in the environment or in ~/.aws: unless this machine has a role, uploads to S3 are anonymous; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	return list
}

// CheckWritable returns an error if a file cannot be made at path, because something that
// is no directory is in its way or the directory is protected.
func CheckWritable(path string) error {
	if info, err := os.Stat(path); err == nil {
		if info.IsDir() {
			return fmt.Errorf("%s is a directory", path)
		}
		return checkAccess(path)
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		switch {
		case errors.Is(err, fs.ErrPermission):
			return err
		case err != nil && dir != filepath.Dir(dir):
			continue // it does not exist, or lies below what is no directory
		case err != nil:
			return err
		case !info.IsDir():
			return fmt.Errorf("%s is not a directory", dir)
		}
		return checkAccess(dir)
	}
}

// newHook sends and runs nothing yet.
func newHook(s *config.Sink) (notify func(context.Context, event.Event) error, closeHook func() error, err error) {
	if s.Webhook != nil {
		hook, err := sink.NewWebhook(s.Webhook.URL, &sink.WebhookOptions{Secret: s.Webhook.Secret, Header: s.Webhook.Header, Timeout: s.Timeout})
		if err != nil {
			return nil, nil, err
		}
		return hook.Post, hook.Close, nil
	}
	command, err := sink.NewExec(s.Exec, &sink.ExecOptions{Timeout: s.Timeout})
	if err != nil {
		return nil, nil, err
	}
	return command.Run, func() error { return nil }, nil
}

// newStore sends nothing yet.
func newStore(s *config.Sink) (*sink.S3, error) {
	pictures, latest, err := s.Templates()
	if err != nil {
		return nil, err
	}
	return sink.OpenS3(s.To.S3, &sink.S3Options{Template: pictures, Latest: latest, NoLatest: s.NoLatest, Timeout: s.Timeout})
}
