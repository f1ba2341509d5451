package serve

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/redact"
	"github.com/kfgrab/kfgrab/internal/schedule"
	"github.com/kfgrab/kfgrab/picture"
)

const (
	// DefaultTTL is the Stream.TTL of streams that name none. A page that is reloaded
	// often then causes no new grab.
	DefaultTTL = 5 * time.Second
	// DefaultTimeout is the Stream.Timeout of streams that name none.
	DefaultTimeout = 15 * time.Second
)

// Stream is one stream to serve.
type Stream struct {
	// Name identifies the stream in paths. Each stream needs a name of its own.
	Name string
	// URL may hold credentials. The Server never shows it.
	URL string
	// RedactedURL is shown in place of URL. If empty, it is URL without credentials and
	// without the values of its query.
	RedactedURL string

	// Options are those of kfgrab.Open. The Server sets IfNewer itself.
	Options kfgrab.Options
	// Timeout bounds one grab, and separately the rendering of its picture.
	// 0 means DefaultTimeout.
	Timeout time.Duration
	// Picture describes the picture for requests without parameters. The Server sets
	// Name, Software and NoSource itself.
	Picture picture.Options

	// Mode says when the stream is grabbed; Schedule applies only to Scheduled.
	Mode     Mode
	Schedule Schedule
	// TTL is how long one picture answers further requests. 0 means DefaultTTL.
	TTL time.Duration
}

// String returns the name and the URL without secrets.
func (s Stream) String() string {
	return s.Name + "=" + cmp.Or(s.RedactedURL, redact.URL(s.URL))
}

// GoString equals String, so that no way of printing a Stream shows secrets.
func (s Stream) GoString() string { return s.String() }

// Equal reports whether s and o have the same settings. Options.Logger and
// Options.OnCodec don't count.
func (s *Stream) Equal(o *Stream) bool {
	a, b := *s, *o
	if !a.Options.RootCAs.Equal(b.Options.RootCAs) {
		return false
	}
	for _, options := range []*kfgrab.Options{&a.Options, &b.Options} {
		options.RootCAs, options.Logger, options.OnCodec = nil, nil, nil
	}
	return reflect.DeepEqual(a, b)
}

// validate returns an error that wraps kfgrab.ErrUsage.
func (s *Stream) validate() error {
	err := schedule.Rule(s.Schedule).Validate()
	switch {
	case s.Name == "":
		return fmt.Errorf("%w: a stream has no name", kfgrab.ErrUsage)
	case int(s.Mode) >= len(modeNames):
		return fmt.Errorf("%w: stream %q: unknown mode %v", kfgrab.ErrUsage, s.Name, s.Mode)
	case s.Timeout < 0 || s.TTL < 0:
		return fmt.Errorf("%w: stream %q: Timeout and TTL must not be negative", kfgrab.ErrUsage, s.Name)
	case err != nil:
		return fmt.Errorf("%w: stream %q: %w", kfgrab.ErrUsage, s.Name, err)
	case s.Mode == Scheduled && schedule.Rule(s.Schedule).Never():
		return fmt.Errorf("%w: stream %q: mode scheduled needs a schedule", kfgrab.ErrUsage, s.Name)
	}
	return nil
}

// Schedule says when a Scheduled stream is due: set either Every or Cron.
type Schedule struct {
	// Every is the time between two grabs, at least a second.
	Every time.Duration
	// Cron is a line of crontab(5), such as "0 6 * * 1-5", in the time zone Zone
	// (by its IANA name; "" is UTC, "Local" the system's).
	Cron string
	Zone string
	// Spread is the time over which streams of the same schedule start, each at its own
	// place. 0 means all of Every, or a minute for Cron; -1 starts all at once.
	Spread time.Duration
}

// Mode says when a stream is grabbed.
type Mode uint8

// The modes. A Warm stream is held open and answers at once.
const (
	OnDemand Mode = iota
	Scheduled
	Warm
)

var modeNames = []string{OnDemand: "on_demand", Scheduled: "scheduled", Warm: "warm"}

// String returns "on_demand", "scheduled" or "warm".
func (m Mode) String() string {
	if int(m) >= len(modeNames) {
		return fmt.Sprintf("Mode(%d)", uint8(m))
	}
	return modeNames[m]
}

// ParseMode reads what Mode.String returns.
func ParseMode(text string) (Mode, error) {
	for m, name := range modeNames {
		if name == text {
			return Mode(m), nil
		}
	}
	return 0, fmt.Errorf("unknown mode %q: want %s", text, strings.Join(modeNames, ", "))
}

// MarshalText implements encoding.TextMarshaler.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Mode) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMode(string(text))
	return err
}

// Limits bounds how many grabs run at once: in total, and per host. 0 is no bound.
type Limits struct {
	Total   int
	PerHost int
}

// Client is a person or program that may use the service.
type Client struct {
	Name string
	// Hash is that of a password or of a token, as kfgrab serve --hash prints it: bcrypt,
	// or "sha256:" and the hexadecimal SHA-256 of the token.
	Hash string
	// Streams are the names of the streams that the client may see. Empty means all.
	Streams []string
}

// Rate bounds the requests of one client address: Burst at once (PerSecond if Burst is
// 0), and PerSecond in the long run. The zero value is no bound.
type Rate struct {
	PerSecond, Burst int
}

// TLS holds the paths of a certificate and its key, both PEM files.
type TLS struct {
	Cert, Key string
}
