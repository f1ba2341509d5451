package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/proxyurl"
	"github.com/kfgrab/kfgrab/internal/tlspin"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
	"github.com/kfgrab/kfgrab/rtsp"
)

// parseInto returns a function for FlagSet.Func that stores what parse returns.
func parseInto[T any](to *T, parse func(string) (T, error)) func(string) error {
	return func(text string) (err error) {
		*to, err = parse(text)
		return err
	}
}

// sourceFlags are the flags about reading the stream. Each command that reads one has its
// own copy, since defaults differ.
type sourceFlags struct {
	timeout           time.Duration
	maxBytes          units.Bytes
	headers           []string
	headersEverywhere bool
	userAgent         string
	proxy             *url.URL
	insecure          bool
	ca                string
	fingerprint       []byte
	edge              kfgrab.Edge
	at                time.Duration
	atClock           time.Time
	program           int
	transport         rtsp.Transport
	keyframeTimeout   time.Duration
	noKeyframeRequest bool
	verbose           bool
	quiet             bool

	addressFlags // of the commands that read one stream

	given   *pflag.FlagSet // that these flags were added to
	refused []string       // names of flags without a meaning for the command
}

func newSourceFlags() *sourceFlags {
	return &sourceFlags{timeout: 15 * time.Second, maxBytes: fetch.DefaultMaxBytes}
}

func (f *sourceFlags) addSourceFlags(flags *pflag.FlagSet) {
	addTimeFlag(flags, &f.timeout, "timeout", f.timeout, "`time` give up after this long")
	flags.TextVar(&f.maxBytes, "max-bytes", f.maxBytes, "`size` fetch at most this much of a remote stream, such as 500k")
	flags.StringArrayVarP(&f.headers, "header", "H", nil, "`'Name: value'` send this header to the stream's own server, or those in a file with @FILE; may be repeated")
	flags.BoolVar(&f.headersEverywhere, "headers-everywhere", false, "send --header to every server that the stream leads to")
	flags.StringVarP(&f.userAgent, "user-agent", "A", "kfgrab/"+version, "`name` identify as this User-Agent")
	flags.FuncP("proxy", "x", "`URL` connect through this http, https, socks5 or socks5h proxy (default for HTTP, that of the environment)", parseInto(&f.proxy, proxyurl.Parse))
	flags.BoolVarP(&f.insecure, "insecure", "k", false, "accept any TLS certificate")
	flags.StringVar(&f.ca, "ca", "", "`file` trust the certificate authorities in this PEM file instead of the system's")
	flags.Func("tls-fingerprint", "`SHA-256` trust only the server certificate with this fingerprint, as openssl x509 -fingerprint -sha256 prints it", parseInto(&f.fingerprint, tlspin.Parse))

	flags.TextVar(&f.edge, "edge", f.edge, "`which` keyframe of a live HLS stream to take: the first of the newest segment (cheapest), the last one listed, or the next one from now on")
	if flags.Lookup("at") == nil {
		flags.Func("at", "`time` take the last keyframe up to this time from the start of a recording or of what a live HLS playlist lists, such as 90.5 or 00:10:30; before its end, such as -60s; or at a time of day, such as 2026-03-01T14:02:03Z or 14:02:03", f.parseAt)
	}
	flags.IntVar(&f.program, "program", 0, "`number` program of a transport stream to read (default the first with video)")

	flags.TextVar(&f.transport, "rtsp-transport", f.transport, "`name` transport of RTSP media: auto (tcp, or udp if the server refuses tcp), tcp, udp or multicast")
	addTimeFlag(flags, &f.keyframeTimeout, "keyframe-timeout", rtsp.DefaultKeyframeTimeout, "`time` give up if an RTSP server sends no keyframe this long after PLAY")
	flags.BoolVar(&f.noKeyframeRequest, "no-keyframe-request", false, "do not ask an RTSP server to make a keyframe at once")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "explain each decision on standard error")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print errors only on standard error, without hints and progress")

	f.given = flags
	for _, name := range f.refused {
		flags.MarkHidden(name) //nolint:errcheck // it was defined above, or by the command
	}
}

// refuseFlags returns an error with the reason if a flag was given that has no meaning
// for the command.
func (f *sourceFlags) refuseFlags(flags *pflag.FlagSet, reason string) error {
	for _, name := range f.refused {
		if flags.Changed(name) {
			return usageError(fmt.Errorf("--%s %s", name, reason))
		}
	}
	return nil
}

// streamOptions returns the options for kfgrab.Open.
func (f *sourceFlags) streamOptions(std *streams) (*kfgrab.Options, error) {
	if f.timeout <= 0 {
		return nil, usageError(errors.New("--timeout must be positive"))
	}
	if f.quiet && f.verbose {
		return nil, usageError(errors.New("give --quiet or --verbose, not both"))
	}
	if f.program < 0 || (f.program == 0 && f.given.Changed("program")) {
		return nil, usageError(errors.New("--program must be positive; without it, kfgrab reads the first with video"))
	}
	if f.keyframeTimeout <= 0 {
		return nil, usageError(errors.New("--keyframe-timeout must be positive"))
	}

	header, err := parseHeaders(f.headers)
	if err != nil {
		return nil, err
	}
	authorities, err := loadRootCAs(f.ca)
	if err != nil {
		return nil, err
	}

	o := &kfgrab.Options{
		Edge: f.edge, At: f.at, AtClock: f.atClock, Program: f.program, MaxBytes: int64(f.maxBytes), Stdin: std.in,
		Header: header, HeadersEverywhere: f.headersEverywhere, UserAgent: f.userAgent, Proxy: f.proxy,
		InsecureTLS: f.insecure, RootCAs: authorities, TLSFingerprint: f.fingerprint,
		RTSP: kfgrab.RTSPOptions{
			Transport: f.transport, NoKeyframeRequest: f.noKeyframeRequest,
		},
	}
	if f.given.Changed("keyframe-timeout") {
		o.RTSP.KeyframeTimeout = f.keyframeTimeout
	}
	if f.verbose {
		o.Logger = newVerboseLogger(std.err)
	}

	return o, nil
}

// withTimeout bounds a job by --timeout.
func (f *sourceFlags) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, f.timeout, fmt.Errorf("%w (--timeout)", neterror.NotDone(f.timeout)))
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

// renditionFlags choose the rendition of an HLS stream.
type renditionFlags struct {
	maxBandwidth int
	rendition    kfgrab.Selector
	codec        keyframe.Codec
	allowTiles   bool
}

func (f *renditionFlags) addRenditionFlags(flags *pflag.FlagSet) {
	flags.Func("max-bandwidth", "`bit/s` take no HLS rendition above this, such as 2.5M or 800k; if all are above, take the cheapest", parseInto(&f.maxBandwidth, units.ParseBitrate))
	flags.TextVar(&f.rendition, "rendition", f.rendition, "`which` HLS rendition to take, whatever --width and --height are: best, worst, a height such as 720p, or an index from kfgrab probe")
	flags.TextVar(&f.codec, "codec", f.codec, "`name` take only this codec, h264 or h265")
	flags.BoolVar(&f.allowTiles, "allow-tiles", false, "take a JPEG tile of an HLS stream instead of a keyframe if it is as large as --width and --height ask for")
}

func (f *renditionFlags) applyRendition(o *kfgrab.Options) {
	o.MaxBandwidth, o.Rendition, o.Codec, o.AllowTiles = f.maxBandwidth, f.rendition, f.codec, f.allowTiles
}

const ffmpegHelp = "`path` decode with this ffmpeg (default kfgrab-ffmpeg next to kfgrab, else $KFGRAB_FFMPEG, else the one in PATH)"

// pixelFlags are the flags about decoding that one picture and many have in common.
type pixelFlags struct {
	crop       decode.Crop
	keepFields bool
	maxPixels  int
	ffmpeg     string
}

func (f *pixelFlags) addPixelFlags(flags *pflag.FlagSet) {
	flags.TextVar(&f.crop, "crop", f.crop, "`part` show only this part, before scaling: 640x360+320+180 (width, height, from the left, from the top) in pixels, or 50%x50%+25%+25%")
	flags.Func("deinterlace", "`mode` auto deinterlaces interlaced pictures, off keeps their two fields (default auto)", parseInto(&f.keepFields, parseDeinterlace))
	flags.Func("max-pixels", "`number` refuse to decode or write pictures of more pixels, such as 9M (default 64M)", parseInto(&f.maxPixels, parseMaxPixels))
	flags.StringVar(&f.ffmpeg, "ffmpeg", "", ffmpegHelp)
}

func parseDeinterlace(text string) (keepFields bool, err error) {
	if text != "auto" && text != "off" {
		return false, fmt.Errorf("%q is neither auto nor off", text)
	}
	return text == "off", nil
}

func parseMaxPixels(text string) (int, error) { return units.ParsePixels(text, decode.MaxPixels) }

func (f *pixelFlags) applyPixels(o *decode.Output) {
	o.Crop, o.KeepInterlaced, o.MaxPixels = f.crop, f.keepFields, f.maxPixels
}

// metadataFlags choose what is written into a picture about it.
type metadataFlags struct {
	deterministic bool
	noMetadata    bool
}

func (f *metadataFlags) addMetadataFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&f.deterministic, "deterministic", false, "write no times into the picture, so that the same keyframe gives the same bytes")
	flags.BoolVar(&f.noMetadata, "no-metadata", false, "write no times, source or software into the picture")
}

func (f *metadataFlags) applyMetadata(o *picture.Options) {
	o.Deterministic, o.NoMetadata, o.Software = f.deterministic, f.noMetadata, "kfgrab "+version
}

// addSkipBlackFlag defines --skip-black; 0 tries take the first keyframe as it is.
func addSkipBlackFlag(flags *pflag.FlagSet, tries *int) {
	flags.Func("skip-black", "`tries` skip keyframes that are black or of one brightness, at most this many", parseInto(tries, parseTries))
	flags.Lookup("skip-black").NoOptDefVal = strconv.Itoa(picture.DefaultTries)
}

func parseTries(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > picture.MaxTries {
		return 0, fmt.Errorf("%q is not a number from 1 to %d", text, picture.MaxTries)
	}
	return n, nil
}

// parseAt is the parser of --at.
func (f *sourceFlags) parseAt(text string) error {
	point, err := units.ParsePoint(text, time.Now())
	f.at, f.atClock = point.Offset, point.Clock
	return err
}
