package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/neterror"
)

const rootHelp = `kfgrab takes one still picture out of a live video stream for the fewest bytes
and the least CPU that the protocol allows.

  kfgrab https://example.com/live/master.m3u8 -o now.jpg
  kfgrab rtsp://user:password@camera/stream --width 640 > now.jpg
  kfgrab recording.mp4 --at 00:10:30 --format png -o scene.png

Streams: HLS (http, https), MP4 and MPEG-TS files over HTTP or local, RTSP (rtsp,
rtsps, and tunnels: rtsp+http, rtsp+ws), transport streams in datagrams (udp), and
- for standard input.

Exit codes: 0 done, 1 other, 2 usage, 3 no keyframe within the budget, 4 network
or server, 5 not authorised, 6 timeout, 7 corrupt or unsupported stream, 8 decoder
missing or failed.`

// newRootCommand builds the command tree; the root itself takes the picture.
func newRootCommand(std *streams) *cobra.Command {
	source, picture := newSourceFlags(), &pictureFlags{}
	cmd := &cobra.Command{
		Use:           "kfgrab URL [-o FILE|-]",
		Short:         "One still picture out of a live video stream",
		Long:          rootHelp,
		Args:          oneURL,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return grab(cmd.Context(), std, args[0], source, picture)
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagError(err) })
	source.register(cmd.Flags())
	picture.register(cmd.Flags())
	for _, reader := range []func(*streams, *sourceFlags) *cobra.Command{newProbeCommand, newSessionCommand, newSheetCommand, newWatchCommand, newServeCommand} {
		own := newSourceFlags()
		sub := reader(std, own)
		own.register(sub.Flags())
		cmd.AddCommand(sub)
	}
	cmd.AddCommand(newDemoCommand(std), newVersionCommand(std, picture), newLicencesCommand(std))
	return cmd
}

func usageError(err error) error { return fmt.Errorf("%w: %w", kfgrab.ErrUsage, err) }

// flagError says of a flag's value what it should be; the library tells how it
// was parsed.
func flagError(err error) error {
	var missing *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &missing):
		return usageError(fmt.Errorf("--%s needs a value", missing.GetFlag().Name))
	case !errors.As(err, &invalid):
		return usageError(err)
	}
	reason := invalid.Unwrap().Error()
	switch invalid.GetFlag().Value.Type() {
	case "int":
		reason = fmt.Sprintf("%q is no whole number", invalid.GetValue())
	case "bool":
		reason = fmt.Sprintf("%q is neither true nor false", invalid.GetValue())
	case "duration":
		reason = fmt.Sprintf("%q is no time such as 20s or 1m30s", invalid.GetValue())
	}
	return usageError(fmt.Errorf("--%s: %s", invalid.GetFlag().Name, reason))
}

// oneURL is for commands that read a stream.
func oneURL(_ *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return usageError(errors.New("which stream? Give its URL; see kfgrab --help"))
	case 1:
		return nil
	}
	return usageError(fmt.Errorf("one URL at a time, not %d; see kfgrab --help", len(args)))
}

// noArgs is for the others.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError(fmt.Errorf("nothing to do with %q; see kfgrab --help", args[0]))
	}
	return nil
}

// sourceFlags say how to get at the stream. Each command that reads one has its own,
// with other defaults where it likes to.
type sourceFlags struct {
	timeout    time.Duration
	maxBytes   size
	headers    []string
	everywhere bool // send headers
	userAgent  string
	insecure   bool
	ca         string
	pin        fingerprint
	edge       edge
	at         mediaTime
	program    int
	rtsp       rtspFlags
	verbose    bool

	useless []string // names of flags that the command refuses
}

func newSourceFlags() *sourceFlags {
	return &sourceFlags{timeout: 15 * time.Second, maxBytes: fetch.DefaultMaxBytes}
}

func (f *sourceFlags) register(flags *pflag.FlagSet) {
	flags.DurationVar(&f.timeout, "timeout", f.timeout, "`time` for the whole job")
	flags.Var(&f.maxBytes, "max-bytes", "`size` of what is fetched at most, such as 500k or 32M; local files are not bounded")
	flags.StringArrayVar(&f.headers, "header", nil, "`'Name: value'` to send to the stream's own server; may be repeated")
	flags.BoolVar(&f.everywhere, "headers-everywhere", false, "send what --header gives to every server that the stream leads to")
	flags.StringVar(&f.userAgent, "user-agent", "kfgrab/"+version, "`name` to go by")
	flags.BoolVar(&f.insecure, "insecure", false, "accept any TLS certificate")
	flags.StringVar(&f.ca, "ca", "", "PEM `file` of certificate authorities to trust instead of the system's")
	flags.Var(&f.pin, "tls-fingerprint", "`SHA-256` of the server's certificate, as openssl x509 -fingerprint -sha256 prints it, to trust it alone")
	flags.Var(&f.edge, "edge", "`which` keyframe of a live HLS stream: first of the newest segment (the cheapest), last there is, or next from now on")
	if flags.Lookup("at") == nil {
		flags.Var(&f.at, "at", "`time` in a recording, such as 90.5 or 00:10:30: the last keyframe up to there is taken")
	}
	flags.IntVar(&f.program, "program", 0, "`number` of the program of a transport stream (default the first with video)")
	f.rtsp.register(flags)
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "tell on standard error what was decided and why")
	for _, name := range f.useless {
		flags.MarkHidden(name) //nolint:errcheck // it is there
	}
}

// refuse says of a flag that the command has no use for why, where one was given.
func (f *sourceFlags) refuse(flags *pflag.FlagSet, why string) error {
	for _, name := range f.useless {
		if flags.Changed(name) {
			return usageError(fmt.Errorf("--%s %s", name, why))
		}
	}
	return nil
}

// options turns the flags into the library's.
func (f *sourceFlags) options(std *streams) (*kfgrab.Options, error) {
	o := &kfgrab.Options{
		Edge: kfgrab.Edge(f.edge), At: time.Duration(f.at), Program: f.program, MaxBytes: int64(f.maxBytes),
		UserAgent: f.userAgent, InsecureTLS: f.insecure, TLSFingerprint: f.pin, Stdin: std.in,
		HeadersEverywhere: f.everywhere,
	}
	if err := f.rtsp.apply(o); err != nil {
		return nil, err
	}
	if f.timeout <= 0 {
		return nil, usageError(fmt.Errorf("--timeout %v is no time at all", f.timeout))
	}
	var err error
	if o.Header, err = parseHeaders(f.headers); err != nil {
		return nil, err
	}
	if o.RootCAs, err = loadRootCAs(f.ca); err != nil {
		return nil, err
	}
	if f.verbose {
		o.Logger = newLogger(std.err)
	}
	return o, nil
}

// context bounds a job by --timeout.
func (f *sourceFlags) context(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, f.timeout, fmt.Errorf("%w (--timeout)", neterror.NotDone(f.timeout)))
}

func parseHeaders(lines []string) (http.Header, error) {
	header := http.Header{}
	for _, line := range lines {
		name, value, found := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !found || name == "" || strings.ContainsAny(name, " \t\r\n") || strings.ContainsAny(value, "\r\n") {
			return nil, usageError(fmt.Errorf("--header wants 'Name: value'"))
		}
		header.Add(name, value)
	}
	return header, nil
}

func loadRootCAs(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, usageError(fmt.Errorf("--ca: %w", err))
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, usageError(fmt.Errorf("--ca: %s holds no PEM certificate", path))
	}
	return pool, nil
}

// newLogger writes one line a decision, without time and level.
func newLogger(w interface{ Write([]byte) (int, error) }) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
				return slog.Attr{}
			}
			return a
		},
	}))
}
