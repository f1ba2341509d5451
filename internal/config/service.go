package config

import (
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/kfgrab/kfgrab/internal/allow"
	"github.com/kfgrab/kfgrab/internal/credential"
	"github.com/kfgrab/kfgrab/serve"
)

// Service is what a file says of kfgrab serve besides its streams.
type Service struct {
	Listen string // host:port; "" where the file says nothing
	TLS    serve.TLS
	// Clients are who may ask; where there are none, nobody has to say who they are.
	Clients []serve.Client
	// Hosts are names of the service: what a browser has in its address line.
	Hosts []string
	// Allow are the hosts of which anybody may have a picture made with ?url=, as
	// internal/allow reads them; none: nobody may.
	Allow string
	// Rate is nil where the file says nothing.
	Rate *serve.Rate
}

const (
	// MaxClients bounds what a wrong token is compared with.
	MaxClients = 1000
	maxRate    = math.MaxInt32
)

var serviceKeys = block[Service]{
	"listen": value(func(s *Service) *string { return &s.Listen }, parseListen),
	"tls":    func(d *decoder, key string, n *node, s *Service) { d.tls(key, n, &s.TLS) },
	"auth":   (*decoder).auth,
	"hosts":  func(d *decoder, key string, n *node, s *Service) { s.Hosts = d.list(key, n, parseHost) },
	"allow": func(d *decoder, key string, n *node, s *Service) {
		s.Allow = strings.Join(d.list(key, n, parseAllowed), " ")
	},
	"rate": func(d *decoder, key string, n *node, s *Service) { d.rate(key, n, &s.Rate) },
}

var tlsKeys = block[serve.TLS]{
	"cert": func(d *decoder, key string, n *node, t *serve.TLS) { d.pathname(key, n, &t.Cert) },
	"key":  func(d *decoder, key string, n *node, t *serve.TLS) { d.pathname(key, n, &t.Key) },
}

var clientKeys = block[serve.Client]{
	"name":    value(func(c *serve.Client) *string { return &c.Name }, parseClient),
	"hash":    (*decoder).hash,
	"streams": func(d *decoder, key string, n *node, c *serve.Client) { c.Streams = d.list(key, n, parseName) },
}

var rateKeys = block[serve.Rate]{
	"per_second": value(func(r *serve.Rate) *int { return &r.PerSecond }, number(0, maxRate)),
	"burst":      value(func(r *serve.Rate) *int { return &r.Burst }, number(1, maxRate)),
}

func parseListen(word string) (string, error) {
	_, port, err := net.SplitHostPort(word)
	if n, e := strconv.ParseUint(port, 10, 16); err != nil || e != nil || n == 0 {
		return "", fmt.Errorf("%q is no address to listen at: write 127.0.0.1:8080, or 0.0.0.0:8443", word)
	}
	return word, nil
}

func parseHost(word string) (string, error) {
	if strings.Trim(strings.ToLower(word), "abcdefghijklmnopqrstuvwxyz0123456789-_.:[]") != "" {
		return "", fmt.Errorf("%q is no name of a host, nor an address", word)
	}
	return word, nil
}

func parseAllowed(word string) (string, error) {
	_, err := allow.Parse(word)
	return word, err
}

func parseName(word string) (string, error) { return word, checkName(word) }

// parseClient takes what can stand in front of the colon of Basic (RFC 7617 2).
func parseClient(word string) (string, error) {
	if checkName(word) != nil {
		return "", errors.New("the name of a client has letters, digits and -_. in it")
	}
	return word, nil
}

func (d *decoder) service(key string, n *node, f *draft) { serviceKeys.decode(d, key, n, &f.Service) }

func (d *decoder) tls(key string, n *node, t *serve.TLS) {
	tlsKeys.decode(d, key, n, t)
	if n.kind == mapping && (t.Cert == "" || t.Key == "") {
		d.fail(n, key, "wants cert and key, the paths of two PEM files")
	}
}

func (d *decoder) pathname(key string, n *node, to *string) {
	t, _ := d.plain(key, n)
	*to = t.value
}

func (d *decoder) rate(key string, n *node, to **serve.Rate) {
	*to = &serve.Rate{}
	if n.kind == scalar && n.text == "off" {
		return
	}
	rateKeys.decode(d, key, n, *to)
}

func (d *decoder) auth(key string, n *node, s *Service) {
	if n.kind != sequence || len(n.items) == 0 || len(n.items) > MaxClients {
		d.fail(n, key, "wants a list of up to %d, each with a name and a hash", MaxClients)
		return
	}
	for _, item := range n.items {
		var c serve.Client
		before := len(d.errors) + d.more
		clientKeys.decode(d, key, item, &c)
		switch {
		case len(d.errors)+d.more > before:
		case c.Name == "" || c.Hash == "":
			d.fail(item, key, "wants a name and a hash")
		case slices.ContainsFunc(s.Clients, func(o serve.Client) bool { return o.Name == c.Name }):
			d.fail(item, key, "%q comes twice", c.Name)
		default:
			s.Clients = append(s.Clients, c)
		}
	}
}

// hash takes one as it stands, in which a dollar sign begins no reference, or a reference.
func (d *decoder) hash(key string, n *node, c *serve.Client) {
	var t text
	if n.kind == scalar && strings.HasPrefix(n.text, "$2") && len(n.text) <= maxScalar {
		t.value = n.text
	} else {
		t, _ = d.plain(key, n)
	}
	if t.value == "" {
		return
	}
	if _, err := credential.Parse(t.value); err != nil {
		d.fail(n, key, "%v", err)
	}
	c.Hash = t.value
}

// list takes one word, or several.
func (d *decoder) list(key string, n *node, parse func(string) (string, error)) (words []string) {
	items := []*node{n}
	if n.kind == sequence {
		items = n.items
	}
	for _, item := range items {
		word, ok := d.word(key, item)
		if !ok {
			continue
		}
		word, err := parse(word)
		if err != nil {
			d.fail(item, key, "%v", err)
			continue
		}
		words = append(words, word)
	}
	if len(items) == 0 {
		d.fail(n, key, "has no value")
	}
	return words
}
