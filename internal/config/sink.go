package config

import (
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/internal/event"
	"github.com/kfgrab/kfgrab/internal/sink"
)

// Sink is a place where pictures go, or a hook to run for events: one of To, Exec and Webhook.
type Sink struct {
	To sink.Destination // the zero value is none
	// Template and Latest are for To. Templates parses them. With NoLatest, the newest
	// picture is not stored separately.
	Template, Latest string
	NoLatest         bool
	Zone             string // of the times in Template: a name of the IANA database, "" for UTC, "Local"

	shownTo string // To without secrets; "" for its String

	Exec    string   // a command with placeholders; "" for none
	Webhook *Webhook // nil: none
	Timeout time.Duration
	// Events are for Exec and Webhook; nil if the user chose none.
	Events []event.Kind
}

// WantedEvents returns the events that Exec or Webhook gets.
func (s *Sink) WantedEvents() []event.Kind {
	switch {
	case len(s.Events) > 0:
		return s.Events
	case s.Exec != "":
		return sink.DefaultEvents(s.Exec)
	}
	return event.Kinds
}

// Webhook is an address that gets an HTTP request for each event.
type Webhook struct {
	URL    string // may contain secrets: do not print it
	Secret string // signs the requests; "" for none
	Header http.Header

	hidden bool // the host is secret, too
}

// Templates parses Template and Latest.
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

// String returns scheme and host. The path of many webhooks is secret.
func (w Webhook) String() string {
	u, err := url.Parse(w.URL)
	if err != nil || w.hidden {
		return mask
	}
	return u.Scheme + "://" + u.Host
}

// GoString is String, so that no way of printing shows secrets.
func (w Webhook) GoString() string { return w.String() }

// Redacted describes the sink without secrets: To, the program of Exec, or the webhook's host.
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

// maxSinks is more than any stream needs.
const maxSinks = 20

// sinkBuilder is a sink that is being decoded.
type sinkBuilder struct {
	Sink
	kinds  []string // its keys among dir, s3, exec and webhook
	others []string // its other keys
}

// kindKey and otherKey record a key of a sink before it is decoded.
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
	"dir": kindKey((*decoder).decodeDir), "s3": kindKey((*decoder).decodeS3),
	"exec": kindKey((*decoder).decodeExec), "webhook": kindKey((*decoder).decodeWebhook),

	"template":  otherKey(parseValue(func(s *sinkBuilder) *string { return &s.Template }, parseTemplate)),
	"latest":    otherKey((*decoder).decodeLatest),
	"time_zone": otherKey(parseValue(func(s *sinkBuilder) *string { return &s.Zone }, parseZone)),
	"timeout":   otherKey(parseValue(func(s *sinkBuilder) *time.Duration { return &s.Timeout }, parseBetween(time.Second, maxTime))),
	"events":    otherKey((*decoder).decodeEvents),
	"secret":    otherKey((*decoder).decodeSecret),
	"headers":   otherKey((*decoder).decodeWebhookHeaders),
}

// goesWith lists the kinds of sinks that have each of the other keys.
var goesWith = map[string]string{
	"template": "dir s3", "latest": "dir s3", "time_zone": "dir s3",
	"events": "exec webhook", "timeout": "s3 exec webhook", "secret": "webhook", "headers": "webhook",
}

func (d *decoder) decodeSinks(key string, n *node, b *builder) {
	if n.kind != sequence || len(n.items) > maxSinks {
		d.fail(n, key, "must be a list of at most %d", maxSinks)
		return
	}
	b.Sinks = nil

	for _, item := range n.items {
		s := sinkBuilder{}
		if item.kind == scalar {
			d.decodeDestination(key, item, &s)
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
		d.fail(n, "", "a sink must have one of dir, s3, exec and webhook")
		return
	}

	for _, key := range s.others {
		if !slices.Contains(strings.Fields(goesWith[key]), s.kinds[0]) {
			d.fail(n.keyOrSelf(key), key, "does not apply to %s", s.kinds[0])
		}
	}
}

// decodeDestination decodes a scalar in the list.
func (d *decoder) decodeDestination(key string, n *node, s *sinkBuilder) {
	t, ok := d.decodePlain(key, n)
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
	s.hideDestination(t)
}

// hideDestination keeps filled-in secrets out of the output.
func (s *sinkBuilder) hideDestination(t text) {
	if t.filled {
		s.shownTo = t.shown
	}
}

func (d *decoder) decodeDir(key string, n *node, s *sinkBuilder) {
	if t, ok := d.decodePlain(key, n); ok {
		s.To.Dir = filepath.Clean(t.value)
		s.hideDestination(t)
	}
}

func (d *decoder) decodeS3(key string, n *node, s *sinkBuilder) {
	t, ok := d.decodePlain(key, n)
	if !ok {
		return
	}
	var err error
	if s.To.S3, err = sink.ParseS3(t.value); err != nil {
		d.failFilled(n, key, t, err)
	}
	s.hideDestination(t)
}

// decodeExec fills in no references: a $ is for the shell.
func (d *decoder) decodeExec(key string, n *node, s *sinkBuilder) {
	t, ok := d.decodeText(key, n, func(raw string) (text, error) { return text{value: raw}, nil })
	if !ok {
		return
	}
	s.Exec = t.value
	if _, err := sink.NewExec(t.value, nil); err != nil {
		d.fail(n, "", "%v", err)
	}
}

func (s *sinkBuilder) makeWebhook() *Webhook {
	if s.Webhook == nil {
		s.Webhook = &Webhook{}
	}
	return s.Webhook
}

func (d *decoder) decodeWebhook(key string, n *node, s *sinkBuilder) {
	t, ok := d.decodeText(key, n, d.lookup.fillURL)
	if !ok {
		return
	}
	u, err := url.Parse(t.value)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		d.failFilled(n, key, t, errors.New("must be an http or https URL"))
		return
	}
	shown, err := url.Parse(t.shown)
	h := s.makeWebhook()
	h.URL, h.hidden = t.value, err != nil || shown.Host != u.Host
}

func (d *decoder) decodeEvents(key string, n *node, s *sinkBuilder) {
	names := d.decodeWords(key, n, func(word string) (string, error) {
		_, err := event.ParseKind(word)
		return word, err
	})
	for _, name := range names {
		s.Events = append(s.Events, event.Kind(name))
	}
}

func (d *decoder) decodeSecret(key string, n *node, s *sinkBuilder) {
	if t, ok := d.decodePlain(key, n); ok {
		s.makeWebhook().Secret = t.value
	}
}

func (d *decoder) decodeWebhookHeaders(key string, n *node, s *sinkBuilder) {
	d.decodeHeaders(key, n, &s.makeWebhook().Header)
}

func parseTemplate(word string) (string, error) {
	_, err := sink.ParseTemplate(word, nil)
	return word, err
}

// decodeLatest decodes a template, or false for none.
func (d *decoder) decodeLatest(key string, n *node, s *sinkBuilder) {
	word, ok := d.decodeWord(key, n)
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
