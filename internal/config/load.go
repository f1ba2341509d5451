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
	"github.com/kfgrab/kfgrab/internal/schedule"
	"github.com/kfgrab/kfgrab/picture"
	"github.com/kfgrab/kfgrab/serve"
)

const (
	// maxFile holds MaxStreams with a line or two each.
	maxFile = 1 << 20
	// MaxStreams is how many a file may have.
	MaxStreams = 10_000
	// maxName leaves room for what is put around it in a file's name.
	maxName = 100
)

// Load reads a file, with references looked up in the system. The error is an *Errors.
func Load(path string) (*File, error) {
	data, err := readBounded(path, maxFile)
	if err != nil {
		return nil, &Errors{List: []*Error{{Path: path, Text: err.Error()}}}
	}
	return Parse(path, data, System())
}

// Parse is Load for a file's content; path is for errors.
func Parse(path string, data []byte, lookup Lookup) (*File, error) {
	d := &decoder{path: path, lookup: lookup}
	if len(data) > maxFile {
		return nil, &Errors{List: []*Error{{Path: path, Text: fmt.Sprintf("it has more than %d bytes", maxFile)}}}
	}
	root, err := parseYAML(data)
	var syntax *syntaxError
	switch {
	case errors.As(err, &syntax):
		return nil, &Errors{List: []*Error{{Path: path, Line: syntax.line, Column: syntax.column, Text: syntax.text}}}
	case root == nil:
		return nil, &Errors{List: []*Error{{Path: path, Text: "it is empty: give streams, each with a name and a url"}}}
	}
	f := d.file(root)
	return f, d.err()
}

// draft is a file in the making.
type draft struct {
	File
	defaults, streams *node
}

var fileKeys = block[draft]{
	"limits":   func(d *decoder, key string, n *node, f *draft) { limitKeys.decode(d, key, n, &f.Limits) },
	"ffmpeg":   (*decoder).ffmpeg,
	"serve":    (*decoder).service,
	"defaults": func(_ *decoder, _ string, n *node, f *draft) { f.defaults = n },
	"streams":  func(_ *decoder, _ string, n *node, f *draft) { f.streams = n },
}

var limitKeys = block[schedule.Limits]{
	"total":    value(func(l *schedule.Limits) *int { return &l.Total }, number(1, math.MaxInt32)),
	"per_host": value(func(l *schedule.Limits) *int { return &l.PerHost }, number(1, math.MaxInt32)),
}

func (d *decoder) ffmpeg(key string, n *node, f *draft) {
	t, _ := d.plain(key, n)
	f.FFmpeg = t.value
}

func (d *decoder) file(root *node) *File {
	f := &draft{File: File{Limits: schedule.DefaultLimits}}
	fileKeys.decode(d, "the file", root, f)
	base := builder{Stream: Stream{Stream: serve.Stream{TTL: serve.DefaultTTL}}}
	if n := f.defaults; n != nil && n.kind != null {
		d.either("defaults", n)
		defaultKeys.decode(d, "defaults", n, &base)
	}
	switch n := f.streams; {
	case n == nil:
		d.fail(root, "", "there are no streams: give a list of streams, each with a name and a url")
	case n.kind != sequence || len(n.items) == 0:
		d.fail(n, "streams", "wants a list, each with a name and a url")
	case len(n.items) > MaxStreams:
		d.fail(n, "streams", "there are %d, more than %d", len(n.items), MaxStreams)
	default:
		d.streams(n.items, &base, f)
	}
	return &f.File
}

func (d *decoder) streams(items []*node, base *builder, f *draft) {
	lines := map[string]int{}
	for _, n := range items {
		b := *base
		b.Options.Header = base.Options.Header.Clone()
		if !d.stream(n, &b) {
			continue
		}
		folded := strings.ToLower(b.Name) // files' names are the same in either case on some systems
		if first, twice := lines[folded]; twice {
			d.fail(n.at("name"), "name", "%q is taken: by the stream in line %d", b.Name, first)
			continue
		}
		lines[folded] = n.line
		f.Streams = append(f.Streams, b.Stream)
	}
}

// builder is a stream in the making.
type builder struct {
	Stream
	zone           string
	user, password *text
	url            *text
}

// ownKeys are those that no other stream can share.
var ownKeys = block[builder]{
	"name":        (*decoder).name,
	"url":         (*decoder).url,
	"credentials": func(d *decoder, key string, n *node, b *builder) { credentialKeys.decode(d, key, n, b) },
}

var credentialKeys = block[builder]{
	"user":     func(d *decoder, key string, n *node, b *builder) { d.credential(key, n, &b.user) },
	"password": func(d *decoder, key string, n *node, b *builder) { d.credential(key, n, &b.password) },
}

// allKeys are those of a stream, defaultKeys those of defaults.
var allKeys, defaultKeys = func() (all, defaults block[builder]) {
	all, defaults = maps.Clone(streamKeys), maps.Clone(streamKeys)
	for key, set := range ownKeys {
		all[key] = set
		defaults[key] = func(d *decoder, key string, n *node, _ *builder) { d.fail(n, key, "each stream has its own") }
	}
	return all, defaults
}()

// stream says whether b has come to be one with a name.
func (d *decoder) stream(n *node, b *builder) bool {
	if n.kind != mapping {
		d.fail(n, "", "a stream wants keys and values, name and url among them")
		return false
	}
	before := len(d.errors) + d.more
	d.either("a stream", n)
	allKeys.decode(d, "a stream", n, b)
	for _, key := range []string{"name", "url"} {
		if n.at(key) == n {
			d.fail(n, "", "the stream has no %s", key)
		}
	}
	if len(d.errors)+d.more == before {
		d.finish(n, b)
	}
	return b.Name != ""
}

// either refuses two keys of which one is meant.
func (d *decoder) either(what string, n *node) {
	if at := n.at("cron"); at != n && n.at("every") != n {
		d.fail(at, "cron", "%s has every, too: give one of them", what)
	}
}

// at returns the place of a key's value, that of the mapping where there is no such key.
func (n *node) at(key string) *node {
	i := slices.IndexFunc(n.pairs, func(p pair) bool { return p.key.text == key })
	if i < 0 {
		return n
	}
	return n.pairs[i].key
}

func (d *decoder) name(key string, n *node, b *builder) {
	word, ok := d.word(key, n)
	if !ok {
		return
	}
	if err := checkName(word); err != nil {
		d.fail(n, key, "%v", err)
		return
	}
	b.Name = word
}

// checkName takes what may be a file's name, a line of a log and a part of a URL.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("a name has a letter or a digit")
	case len(name) > maxName:
		return fmt.Errorf("a name has at most %d bytes", maxName)
	}
	last := len(name) - 1
	for i, r := range name {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
		case strings.ContainsRune("-_.", r) && i > 0:
		case r == ' ' && i > 0 && i < last:
		case i == 0:
			return errors.New("a name begins with a letter or a digit")
		default:
			return fmt.Errorf("a name has letters, digits, spaces and -_. in it, not %q", r)
		}
	}
	return nil
}

func (d *decoder) url(key string, n *node, b *builder) {
	if t, ok := d.text(key, n, d.lookup.fillURL); ok {
		b.url = &t
	}
}

func (d *decoder) credential(key string, n *node, to **text) {
	if t, ok := d.plain(key, n); ok {
		*to = &t
	}
}

// finish puts together what the keys said, and checks whether it goes together.
func (d *decoder) finish(n *node, b *builder) {
	d.address(n, b)
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
	if b.Mode == serve.Scheduled && b.Rule().Never() {
		d.fail(n.at("mode"), "mode", "scheduled needs every or cron")
	}
	if err := b.Picture.Validate(); err != nil {
		d.fail(n.at("format"), "", "%v", err)
	}
	if b.Options.AllowTiles && !b.Picture.Format.Decoded() {
		d.fail(n.at("allow_tiles"), "allow_tiles", "%v holds a keyframe, which a tile is not", b.Picture.Format)
	}
}

// address makes the URL, and has it checked by who is to open it.
func (d *decoder) address(n *node, b *builder) {
	t, at := *b.url, n.at("url")
	if b.user != nil || b.password != nil {
		u, err := url.Parse(t.value)
		switch {
		case b.user == nil:
			d.fail(n.at("credentials"), "credentials", "a password without a user")
			return
		case err != nil || u.Host == "":
			d.fail(n.at("credentials"), "credentials", "the url has no place for them")
			return
		case u.User != nil:
			d.fail(n.at("credentials"), "credentials", "the url has some, too: give them once")
			return
		}
		u.User = url.User(b.user.value)
		if b.password != nil {
			u.User = url.UserPassword(b.user.value, b.password.value)
		}
		t.value = u.String()
	}
	if err := checkURL(t.value, &b.Options); err != nil {
		d.failFilled(at, "url", t, err)
		return
	}
	b.URL, b.RedactedURL = t.value, t.shown
}

// checkURL has the URL and the options checked without touching the stream.
func checkURL(rawURL string, o *kfgrab.Options) error {
	if rawURL == "-" {
		return errors.New("standard input can be read once; give a URL or a file")
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
