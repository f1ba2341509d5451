package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kfgrab/kfgrab/internal/credential"
	"github.com/kfgrab/kfgrab/serve"
)

// LoadClients reads a file of who may ask, such as htpasswd -B writes: NAME:HASH in a line,
// and behind a space the streams that it may see, where these are not all, with commas
// between them. Lines that begin with # are passed over. The error is an *Errors.
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
			err = fmt.Errorf("%q comes twice", c.Name)
		}
		if err == nil && len(clients) == MaxClients {
			err = fmt.Errorf("there are more than %d", MaxClients)
		}
		if err != nil {
			d.fail(&node{line: number, column: 1}, "", "%v", err)
			continue
		}
		clients = append(clients, c)
	}
	if len(clients) == 0 && number >= 0 && len(d.errors) == 0 {
		d.fail(&node{}, "", "there is nobody in it: write NAME:HASH in a line; kfgrab serve --hash makes a hash")
	}
	return clients, d.err()
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
