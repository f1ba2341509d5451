package config

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/event"
	"github.com/kfgrab/kfgrab/internal/schedule"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/picture"
	"github.com/kfgrab/kfgrab/serve"
)

const (
	// maxFile is enough for MaxStreams with a line or two each.
	maxFile = 1 << 20
	// MaxStreams is the most streams of a file.
	MaxStreams = 10_000
	// maxName leaves room for the rest of a file name.
	maxName = 100
)

// Load reads a file and fills in its references. The error is an *Errors.
func Load(path string) (*File, error) {
	data, err := readBounded(path, maxFile)
	if err != nil {
		return nil, &Errors{List: []*Error{{Path: path, Text: err.Error()}}}
	}
	return Parse(path, data, System())
}

// Parse is Load for the content of a file. The path is for errors.
func Parse(path string, data []byte, lookup Lookup) (*File, error) {
	d := &decoder{path: path, lookup: lookup}
	if len(data) > maxFile {
		return nil, &Errors{List: []*Error{{Path: path, Text: fmt.Sprintf("the file has more than %d bytes", maxFile)}}}
	}
	root, err := parseYAML(data)
	var syntax *syntaxError
	switch {
	case errors.As(err, &syntax):
		return nil, &Errors{List: []*Error{{Path: path, Line: syntax.line, Column: syntax.column, Text: syntax.text}}}
	case root == nil:
		return nil, &Errors{List: []*Error{{Path: path, Text: "the file is empty: it needs streams, each with a name and a url"}}}
	}
	f := d.decodeFile(root)
	return f, d.joinErrors()
}

// draft is a file that is being decoded.
type draft struct {
	File
	defaults, streams *node
}

var fileKeys = block[draft]{
	"limits":   func(d *decoder, key string, n *node, f *draft) { limitKeys.decode(d, key, n, &f.Limits) },
	"ffmpeg":   (*decoder).decodeFFmpeg,
	"serve":    (*decoder).decodeService,
	"defaults": func(_ *decoder, _ string, n *node, f *draft) { f.defaults = n },
	"streams":  func(_ *decoder, _ string, n *node, f *draft) { f.streams = n },
}

var limitKeys = block[schedule.Limits]{
	"total":    parseValue(func(l *schedule.Limits) *int { return &l.Total }, parseNumber(1, math.MaxInt32)),
	"per_host": parseValue(func(l *schedule.Limits) *int { return &l.PerHost }, parseNumber(1, math.MaxInt32)),
}

func (d *decoder) decodeFFmpeg(key string, n *node, f *draft) {
	t, _ := d.decodePlain(key, n)
	f.FFmpeg = t.value
}

func (d *decoder) decodeFile(root *node) *File {
	f := &draft{File: File{Limits: schedule.DefaultLimits}}
	fileKeys.decode(d, "the file", root, f)
	base := builder{Stream: Stream{Stream: serve.Stream{TTL: serve.DefaultTTL}, FailingAfter: event.DefaultFailingAfter}}
	if n := f.defaults; n != nil && n.kind != null {
		d.checkSchedule("defaults", n)
		defaultKeys.decode(d, "defaults", n, &base)
	}

	switch n := f.streams; {
	case n == nil:
		d.fail(root, "", "the file has no streams: it needs a list of them, each with a name and a url")
	case n.kind != sequence || len(n.items) == 0:
		d.fail(n, "streams", "must be a list, each with a name and a url")
	case len(n.items) > MaxStreams:
		d.fail(n, "streams", "%d streams are more than %d", len(n.items), MaxStreams)
	default:
		d.decodeStreams(n.items, &base, f)
	}

	return &f.File
}

func (d *decoder) decodeStreams(items []*node, base *builder, f *draft) {
	lines := map[string]int{}
	for _, n := range items {
		b := *base
		b.Options.Header = base.Options.Header.Clone()
		if !d.decodeStream(n, &b) {
			continue
		}
		folded := strings.ToLower(b.Name) // some file systems ignore case
		if first, twice := lines[folded]; twice {
			d.fail(n.keyOrSelf("name"), "name", "%q is the name of the stream in line %d, too", b.Name, first)
			continue
		}
		lines[folded] = n.line
		f.Streams = append(f.Streams, b.Stream)
	}
}

// builder is a stream that is being decoded.
type builder struct {
	Stream
	zone           string
	at             units.Point
	user, password *text
	url            *text
}

// ownKeys are the keys that streams cannot share.
var ownKeys = block[builder]{
	"name":        (*decoder).decodeName,
	"url":         (*decoder).decodeURL,
	"credentials": func(d *decoder, key string, n *node, b *builder) { credentialKeys.decode(d, key, n, b) },
}

var credentialKeys = block[builder]{
	"user":     func(d *decoder, key string, n *node, b *builder) { d.decodeCredential(key, n, &b.user) },
	"password": func(d *decoder, key string, n *node, b *builder) { d.decodeCredential(key, n, &b.password) },
}

// allKeys are the keys of a stream, defaultKeys those of defaults.
var allKeys, defaultKeys = func() (all, defaults block[builder]) {
	all, defaults = maps.Clone(streamKeys), maps.Clone(streamKeys)
	for key, set := range ownKeys {
		all[key] = set
		defaults[key] = func(d *decoder, key string, n *node, _ *builder) {
			d.fail(n, key, "cannot be a default: each stream has its own")
		}
	}
	return all, defaults
}()

// decodeStream decodes one stream and reports whether it has a name.
func (d *decoder) decodeStream(n *node, b *builder) bool {
	if n.kind != mapping {
		d.fail(n, "", "a stream must have keys and values, such as name and url")
		return false
	}
	before := len(d.errors) + d.more
	d.checkSchedule("a stream", n)
	allKeys.decode(d, "a stream", n, b)

	for _, key := range []string{"name", "url"} {
		if n.keyOrSelf(key) == n {
			d.fail(n, "", "the stream has no %s", key)
		}
	}
	if len(d.errors)+d.more == before {
		d.finishStream(n, b)
	}

	return b.Name != ""
}

// checkSchedule refuses a stream with every and cron.
func (d *decoder) checkSchedule(what string, n *node) {
	if at := n.keyOrSelf("cron"); at != n && n.keyOrSelf("every") != n {
		d.fail(at, "cron", "%s has every, too: keep one of them", what)
	}
}

// keyOrSelf returns a key of a mapping, or the mapping itself if there is no such key.
func (n *node) keyOrSelf(key string) *node {
	i := slices.IndexFunc(n.pairs, func(p pair) bool { return p.key.text == key })
	if i < 0 {
		return n
	}
	return n.pairs[i].key
}

func (d *decoder) decodeName(key string, n *node, b *builder) {
	word, ok := d.decodeWord(key, n)
	if !ok {
		return
	}
	if err := checkName(word); err != nil {
		d.fail(n, key, "%v", err)
		return
	}
	b.Name = word
}

// checkName accepts what is safe in a file name, in a line of a log and in a URL.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("a name must not be empty")
	case len(name) > maxName:
		return fmt.Errorf("a name must have at most %d bytes", maxName)
	}
	last := len(name) - 1

	for i, r := range name {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
		case strings.ContainsRune("-_.", r) && i > 0:
		case r == ' ' && i > 0 && i < last:
		case i == 0:
			return errors.New("a name must begin with a letter or a digit")
		default:
			return fmt.Errorf("a name may contain letters, digits, spaces and -_., not %q", r)
		}
	}

	return nil
}

func (d *decoder) decodeURL(key string, n *node, b *builder) {
	if t, ok := d.decodeText(key, n, d.lookup.fillURL); ok {
		b.url = &t
	}
}

func (d *decoder) decodeCredential(key string, n *node, to **text) {
	if t, ok := d.decodePlain(key, n); ok {
		*to = &t
	}
}

// finishStream combines the keys of a stream and checks them against each other.
func (d *decoder) finishStream(n *node, b *builder) {
	d.makeURL(n, b)
	b.Options.Width, b.Options.Height = b.Picture.Output.Needed()
	b.Picture.Name = b.Name
	if b.Schedule.Cron != "" {
		b.Schedule.Zone = b.zone
	}
	if b.Rule().Never() {
		b.Schedule.Spread = 0
	}
	if err := b.Rule().Validate(); err != nil {
		d.fail(n, "", "%v", err)
	}
	if err := b.Retry.Validate(); err != nil {
		d.fail(n.keyOrSelf("retry_first"), "", "%v", err)
	}
	if at := n.keyOrSelf("retention"); at != n && !slices.ContainsFunc(b.Sinks, func(s Sink) bool { return s.To.Dir != "" }) {
		d.fail(at, "retention", "is for directories, and none of the sinks is one")
	}
	if b.Mode == serve.Scheduled && b.Rule().Never() {
		d.fail(n.keyOrSelf("mode"), "mode", "scheduled needs every or cron")
	}
	if err := b.Picture.Validate(); err != nil {
		d.fail(n.keyOrSelf("format"), "", "%v", err)
	}
	if b.Options.AllowTiles && !b.Picture.Format.Decoded() {
		d.fail(n.keyOrSelf("allow_tiles"), "allow_tiles", "%v holds a keyframe, which a tile is not", b.Picture.Format)
	}
}

// makeURL makes the URL from its keys and checks it.
func (d *decoder) makeURL(n *node, b *builder) {
	t, at := *b.url, n.keyOrSelf("url")
	if b.user != nil || b.password != nil {
		u, err := url.Parse(t.value)
		switch {
		case b.user == nil:
			d.fail(n.keyOrSelf("credentials"), "credentials", "a password needs a user")
			return
		case err != nil || u.Host == "":
			d.fail(n.keyOrSelf("credentials"), "credentials", "the url cannot have credentials")
			return
		case u.User != nil:
			d.fail(n.keyOrSelf("credentials"), "credentials", "the url has credentials, too: keep one of them")
			return
		}
		u.User = url.User(b.user.value)
		if b.password != nil {
			u.User = url.UserPassword(b.user.value, b.password.value)
		}
		t.value = u.String()
	}
	d.checkOptions(n, b, t.value)
	if err := checkURL(t.value, &b.Options); err != nil {
		d.failFilled(at, "url", t, err)
		return
	}
	b.URL, b.RedactedURL = t.value, t.shown
}

// checkURL checks the URL and the options without network traffic.
func checkURL(rawURL string, o *kfgrab.Options) error {
	if rawURL == "-" {
		return errors.New("standard input can be read only once; give a URL or a file")
	}
	s, err := kfgrab.Open(rawURL, o)
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), kfgrab.ErrUsage.Error()+": "))
	}
	return s.Close()
}

// nameFromURL returns picture.StreamName if that is a valid name, else "stream".
func nameFromURL(rawURL string) string {
	name := strings.TrimLeft(picture.StreamName(rawURL), "_")
	if checkName(name) != nil {
		return "stream"
	}
	return name
}
