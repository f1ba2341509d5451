package config

import (
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/internal/sink"
)

// Sink is one place where pictures go, or one who is told of each: one of To, Exec and
// Webhook.
type Sink struct {
	To sink.Destination // the zero value: none
	// Template and Latest are for To, as by sink.ParseTemplate and sink.ParseLatest, and
	// Templates parses them. NoLatest has no newest picture kept apart.
	Template, Latest string
	NoLatest         bool
	Zone             string // of the times in Template: a name of the IANA database, "" for UTC, "Local"

	shownTo string // To as it may be shown; "" for its String

	Exec    string   // a command with placeholders; "" for none
	Webhook *Webhook // nil: none
	Timeout time.Duration
}

// Webhook is one who is told over HTTP.
type Webhook struct {
	URL    string // may hold secrets: never print it
	Secret string // that signs what is sent; "" for none
	Header http.Header

	hidden bool // the host, too
}

// Templates returns those of To.
func (s *Sink) Templates() (pictures, latest sink.Template, err error) {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return pictures, latest, err
	}
	if pictures, err = sink.ParseTemplate(s.Template, zone); err != nil {
		return pictures, latest, err
	}
	latest, err = sink.ParseLatest(s.Latest)
	return pictures, latest, err
}

// String returns scheme and host: of many webhooks the path is the secret.
func (w Webhook) String() string {
	u, err := url.Parse(w.URL)
	if err != nil || w.hidden {
		return mask
	}
	return u.Scheme + "://" + u.Host
}

// GoString is String, so that no way of printing shows secrets.
func (w Webhook) GoString() string { return w.String() }

// Redacted returns To as it may be shown, or what Exec begins with, or the webhook's URL.
func (s *Sink) Redacted() string {
	switch {
	case s.Webhook != nil:
		return s.Webhook.String()
	case s.Exec != "":
		program, _, _ := strings.Cut(strings.TrimSpace(s.Exec), " ")
		return program
	case s.shownTo != "":
		return s.shownTo
	}
	return s.To.String()
}

// maxSinks is more than a stream's pictures go to.
const maxSinks = 20

// sinkBuilder is a sink in the making.
type sinkBuilder struct {
	Sink
	kinds  []string // those of dir, s3, exec and webhook that it has
	others []string // the other keys
}

// kindKey and otherKey note a key of a sink before it is read.
func kindKey(set func(*decoder, string, *node, *sinkBuilder)) func(*decoder, string, *node, *sinkBuilder) {
	return func(d *decoder, key string, n *node, s *sinkBuilder) {
		s.kinds = append(s.kinds, key)
		set(d, key, n, s)
	}
}

func otherKey(set func(*decoder, string, *node, *sinkBuilder)) func(*decoder, string, *node, *sinkBuilder) {
	return func(d *decoder, key string, n *node, s *sinkBuilder) {
		s.others = append(s.others, key)
		set(d, key, n, s)
	}
}

var sinkKeys = block[sinkBuilder]{
	"dir": kindKey((*decoder).dir), "s3": kindKey((*decoder).s3),
	"exec": kindKey((*decoder).exec), "webhook": kindKey((*decoder).webhook),

	"template":  otherKey(value(func(s *sinkBuilder) *string { return &s.Template }, parseTemplate)),
	"latest":    otherKey((*decoder).latest),
	"time_zone": otherKey(value(func(s *sinkBuilder) *string { return &s.Zone }, parseZone)),
	"timeout":   otherKey(value(func(s *sinkBuilder) *time.Duration { return &s.Timeout }, between(time.Second, maxTime))),
	"secret":    otherKey((*decoder).secret),
	"headers":   otherKey((*decoder).webhookHeaders),
}

// goesWith says which of the other keys each kind has.
var goesWith = map[string]string{
	"template": "dir s3", "latest": "dir s3", "time_zone": "dir s3",
	"timeout": "s3 exec webhook", "secret": "webhook", "headers": "webhook",
}

func (d *decoder) sinks(key string, n *node, b *builder) {
	if n.kind != sequence || len(n.items) > maxSinks {
		d.fail(n, key, "wants a list of at most %d", maxSinks)
		return
	}
	b.Sinks = nil
	for _, item := range n.items {
		s := sinkBuilder{}
		if item.kind == scalar {
			d.destination(key, item, &s)
		} else {
			sinkKeys.decode(d, "a sink", item, &s)
			d.finishSink(item, &s)
		}
		b.Sinks = append(b.Sinks, s.Sink)
	}
}

func (d *decoder) finishSink(n *node, s *sinkBuilder) {
	if n.kind != mapping {
		return
	}
	if len(s.kinds) != 1 {
		d.fail(n, "", "a sink has one of dir, s3, exec and webhook")
		return
	}
	for _, key := range s.others {
		if !slices.Contains(strings.Fields(goesWith[key]), s.kinds[0]) {
			d.fail(n.at(key), key, "has no meaning for %s", s.kinds[0])
		}
	}
}

// destination is for what stands alone in the list.
func (d *decoder) destination(key string, n *node, s *sinkBuilder) {
	t, ok := d.plain(key, n)
	if !ok {
		return
	}
	var err error
	if s.To, err = sink.ParseDestination(t.value); err != nil {
		d.failFilled(n, key, t, err)
	}
	if s.To.Dir != "" {
		s.To.Dir = filepath.Clean(s.To.Dir)
	}
	s.hide(t)
}

// hide has the destination shown as it stands in the file.
func (s *sinkBuilder) hide(t text) {
	if t.filled {
		s.shownTo = t.shown
	}
}

func (d *decoder) dir(key string, n *node, s *sinkBuilder) {
	if t, ok := d.plain(key, n); ok {
		s.To.Dir = filepath.Clean(t.value)
		s.hide(t)
	}
}

func (d *decoder) s3(key string, n *node, s *sinkBuilder) {
	t, ok := d.plain(key, n)
	if !ok {
		return
	}
	var err error
	if s.To.S3, err = sink.ParseS3(t.value); err != nil {
		d.failFilled(n, key, t, err)
	}
	s.hide(t)
}

// exec takes no references: a $ is the shell's.
func (d *decoder) exec(key string, n *node, s *sinkBuilder) {
	t, ok := d.text(key, n, func(raw string) (text, error) { return text{value: raw}, nil })
	if !ok {
		return
	}
	s.Exec = t.value
	if _, err := sink.NewExec(t.value, nil); err != nil {
		d.fail(n, "", "%v", err)
	}
}

func (s *sinkBuilder) hook() *Webhook {
	if s.Webhook == nil {
		s.Webhook = &Webhook{}
	}
	return s.Webhook
}

func (d *decoder) webhook(key string, n *node, s *sinkBuilder) {
	t, ok := d.text(key, n, d.lookup.fillURL)
	if !ok {
		return
	}
	u, err := url.Parse(t.value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		d.failFilled(n, key, t, errors.New("wants a URL of http or https"))
		return
	}
	shown, err := url.Parse(t.shown)
	h := s.hook()
	h.URL, h.hidden = t.value, err != nil || shown.Host != u.Host
}

func (d *decoder) secret(key string, n *node, s *sinkBuilder) {
	if t, ok := d.plain(key, n); ok {
		s.hook().Secret = t.value
	}
}

func (d *decoder) webhookHeaders(key string, n *node, s *sinkBuilder) {
	d.headers(key, n, &s.hook().Header)
}

func parseTemplate(word string) (string, error) {
	_, err := sink.ParseTemplate(word, nil)
	return word, err
}

// latest is a template, or false for none.
func (d *decoder) latest(key string, n *node, s *sinkBuilder) {
	word, ok := d.word(key, n)
	switch {
	case !ok:
	case word == "false":
		s.NoLatest = true
	default:
		if _, err := sink.ParseLatest(word); err != nil {
			d.fail(n, key, "%v", err)
		}
		s.Latest = word
	}
}
