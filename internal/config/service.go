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

// Service holds the settings of kfgrab serve, except the streams.
type Service struct {
	Listen string // host:port; "" if the file has none
	TLS    serve.TLS
	// Clients have access. If there are none, everyone has.
	Clients []serve.Client
	// Hosts are names of the service, as browsers show them in the address line.
	Hosts []string
	// Allow lists the hosts that ?url= may name, as internal/allow reads them. If it is
	// empty, ?url= is refused.
	Allow string
	// Rate is nil if the file has none.
	Rate *serve.Rate
}

const (
	// MaxClients bounds how many hashes a wrong token is compared with.
	MaxClients = 1000
	maxRate    = math.MaxInt32
)

var serviceKeys = block[Service]{
	"listen": parseValue(func(s *Service) *string { return &s.Listen }, parseListen),
	"tls":    func(d *decoder, key string, n *node, s *Service) { d.decodeTLS(key, n, &s.TLS) },
	"auth":   (*decoder).decodeClients,
	"hosts":  func(d *decoder, key string, n *node, s *Service) { s.Hosts = d.decodeWords(key, n, parseHost) },
	"allow": func(d *decoder, key string, n *node, s *Service) {
		s.Allow = strings.Join(d.decodeWords(key, n, parseAllowed), " ")
	},
	"rate": func(d *decoder, key string, n *node, s *Service) { d.decodeRate(key, n, &s.Rate) },
}

var tlsKeys = block[serve.TLS]{
	"cert": func(d *decoder, key string, n *node, t *serve.TLS) { d.decodePath(key, n, &t.Cert) },
	"key":  func(d *decoder, key string, n *node, t *serve.TLS) { d.decodePath(key, n, &t.Key) },
}

var clientKeys = block[serve.Client]{
	"name":    parseValue(func(c *serve.Client) *string { return &c.Name }, parseClient),
	"hash":    (*decoder).decodeHash,
	"streams": func(d *decoder, key string, n *node, c *serve.Client) { c.Streams = d.decodeWords(key, n, parseName) },
}

var rateKeys = block[serve.Rate]{
	"per_second": parseValue(func(r *serve.Rate) *int { return &r.PerSecond }, parseNumber(0, maxRate)),
	"burst":      parseValue(func(r *serve.Rate) *int { return &r.Burst }, parseNumber(1, maxRate)),
}

func parseListen(word string) (string, error) {
	_, port, err := net.SplitHostPort(word)
	if n, e := strconv.ParseUint(port, 10, 16); err != nil || e != nil || n == 0 {
		return "", fmt.Errorf("%q is not an address to listen on: write 127.0.0.1:8080, or 0.0.0.0:8443", word)
	}
	return word, nil
}

func parseHost(word string) (string, error) {
	if strings.Trim(strings.ToLower(word), "abcdefghijklmnopqrstuvwxyz0123456789-_.:[]") != "" {
		return "", fmt.Errorf("%q is neither the name of a host nor an address", word)
	}
	return word, nil
}

func parseAllowed(word string) (string, error) {
	_, err := allow.Parse(word)
	return word, err
}

func parseName(word string) (string, error) { return word, checkName(word) }

// parseClient accepts names without a colon, for Basic authentication (RFC 7617 2).
func parseClient(word string) (string, error) {
	if checkName(word) != nil {
		return "", errors.New("the name of a client may contain letters, digits, hyphens, underscores and periods")
	}
	return word, nil
}

func (d *decoder) decodeService(key string, n *node, f *draft) {
	serviceKeys.decode(d, key, n, &f.Service)
}

func (d *decoder) decodeTLS(key string, n *node, t *serve.TLS) {
	tlsKeys.decode(d, key, n, t)
	if n.kind == mapping && (t.Cert == "" || t.Key == "") {
		d.fail(n, key, "needs cert and key, the paths of two PEM files")
	}
}

func (d *decoder) decodePath(key string, n *node, to *string) {
	t, _ := d.decodePlain(key, n)
	*to = t.value
}

func (d *decoder) decodeRate(key string, n *node, to **serve.Rate) {
	*to = &serve.Rate{}
	if n.kind == scalar && n.text == "off" {
		return
	}
	rateKeys.decode(d, key, n, *to)
}

func (d *decoder) decodeClients(key string, n *node, s *Service) {
	if n.kind != sequence || len(n.items) == 0 || len(n.items) > MaxClients {
		d.fail(n, key, "must be a list of up to %d clients, each with a name and a hash", MaxClients)
		return
	}

	for _, item := range n.items {
		var c serve.Client
		before := len(d.errors) + d.more
		clientKeys.decode(d, key, item, &c)
		switch {
		case len(d.errors)+d.more > before:
		case c.Name == "" || c.Hash == "":
			d.fail(item, key, "needs a name and a hash")
		case slices.ContainsFunc(s.Clients, func(o serve.Client) bool { return o.Name == c.Name }):
			d.fail(item, key, "client %q appears twice", c.Name)
		default:
			s.Clients = append(s.Clients, c)
		}
	}
}

// decodeHash takes a bcrypt hash literally, although it contains dollar signs. Anything else may
// be a reference.
func (d *decoder) decodeHash(key string, n *node, c *serve.Client) {
	var t text
	if n.kind == scalar && strings.HasPrefix(n.text, "$2") && len(n.text) <= maxScalar {
		t.value = n.text
	} else {
		t, _ = d.decodePlain(key, n)
	}
	if t.value == "" {
		return
	}
	if _, err := credential.Parse(t.value); err != nil {
		d.fail(n, key, "%v", err)
	}
	c.Hash = t.value
}

// decodeWords returns the words of a scalar or a list.
func (d *decoder) decodeWords(key string, n *node, parse func(string) (string, error)) (words []string) {
	items := []*node{n}
	if n.kind == sequence {
		items = n.items
	}

	for _, item := range items {
		word, ok := d.decodeWord(key, item)
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
