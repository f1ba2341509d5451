package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kfgrab/kfgrab/internal/credential"
	"github.com/kfgrab/kfgrab/serve"
)

// ErrNoClients is in the error of LoadClients for a file without clients.
var ErrNoClients = errors.New("the file has no clients: write one NAME:HASH per line")

// LoadClients reads a file of clients such as htpasswd -B writes, with one NAME:HASH per line.
// After a space, a line may list the streams that the client may see, separated by commas.
// Lines that begin with # are skipped. The error is an *Errors.
func LoadClients(path string) ([]serve.Client, error) {
	data, err := readBounded(path, maxFile)
	if err != nil {
		return nil, &Errors{List: []*Error{{Path: path, Text: err.Error()}}}
	}
	d := &decoder{path: path}
	var clients []serve.Client

	number := 0

	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		c, err := parseClientLine(line)
		if err == nil && slices.ContainsFunc(clients, func(o serve.Client) bool { return o.Name == c.Name }) {
			err = fmt.Errorf("client %q appears twice", c.Name)
		}
		if err == nil && len(clients) == MaxClients {
			err = fmt.Errorf("more than %d clients", MaxClients)
		}
		if err != nil {
			d.fail(&node{line: number, column: 1}, "", "%v", err)
			continue
		}
		clients = append(clients, c)
	}

	if len(clients) == 0 && len(d.errors) == 0 {
		d.fail(&node{}, "", "%v", ErrNoClients)
	}

	return clients, d.joinErrors()
}

func parseClientLine(line string) (serve.Client, error) {
	name, rest, _ := strings.Cut(line, ":")
	hash, streams, _ := strings.Cut(rest, " ")
	if _, err := parseClient(name); err != nil {
		return serve.Client{}, err
	}
	if _, err := credential.Parse(hash); err != nil {
		return serve.Client{}, err
	}

	c := serve.Client{Name: name, Hash: hash}
	if streams = strings.TrimSpace(streams); streams == "" {
		return c, nil
	}

	for s := range strings.SplitSeq(streams, ",") {
		s = strings.TrimSpace(s)
		if err := checkName(s); err != nil {
			return serve.Client{}, err
		}
		c.Streams = append(c.Streams, s)
	}

	return c, nil
}
