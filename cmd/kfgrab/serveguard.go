package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/kfgrab/kfgrab/internal/config"
	"github.com/kfgrab/kfgrab/internal/credential"
	"github.com/kfgrab/kfgrab/serve"
)

const defaultListen = "127.0.0.1:8080"

// openRate is for listeners that other machines can reach. A wall of fifty tiles needs less,
// and so do ten of them when they are opened.
var openRate = serve.Rate{PerSecond: 50, Burst: 500}

// guardFlags set the address and the access rules. Each overrides the configuration.
type guardFlags struct {
	listen    string
	auth      string
	noAuth    bool
	cert, key string
	hosts     []string
	allow     string
	rate      string
	hash      string
}

func (f *guardFlags) addGuardFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.listen, "listen", "", "`address` listen on this address (default "+defaultListen+")")
	flags.StringVar(&f.auth, "auth", "", "`file` give access only to these clients: one NAME:HASH per line, then a space and the streams, if not all")
	flags.BoolVar(&f.noAuth, "no-auth", false, "give access to everyone who can reach the address")
	flags.StringVar(&f.cert, "tls-cert", "", "`file` certificate for HTTPS (PEM); kfgrab reads it again when it changes")
	flags.StringVar(&f.key, "tls-key", "", "`file` key of the certificate (PEM)")
	flags.StringSliceVar(&f.hosts, "host", nil, "`name` accept requests for this name of the service, too; may be repeated")
	flags.StringVar(&f.allow, "allow-url", "", "`hosts` let ?url= ask for pictures from these hosts, such as '*.example.com, 192.0.2.0/24'")
	flags.StringVar(&f.rate, "rate", "", "`requests` allow each client this many per second, or off (default off on loopback, else 50)")
	flags.StringVar(&f.hash, "hash", "", "`secret` print the hash of a password from standard input, or with --hash=token a new token and its hash")
	flags.Lookup("hash").NoOptDefVal = "password"
}

// serveFlagNames are the flags that go with --config. The others are keys of the file.
var serveFlagNames = []string{"cache-bytes", "listen", "auth", "no-auth", "tls-cert", "tls-key", "host", "allow-url", "rate"}

// applyTo returns the service of the configuration with the flags applied.
func (f *guardFlags) applyTo(s config.Service) (config.Service, error) {
	s.Listen = cmp.Or(f.listen, s.Listen, defaultListen)
	if f.cert != "" || f.key != "" {
		s.TLS = serve.TLS{Cert: f.cert, Key: f.key}
	}
	if (s.TLS.Cert == "") != (s.TLS.Key == "") {
		return s, usageError(errors.New("--tls-cert and --tls-key go together"))
	}
	if f.auth != "" {
		var err error
		if s.Clients, err = config.LoadClients(f.auth); err != nil {
			return s, err
		}
	}
	if f.noAuth && len(s.Clients) > 0 {
		return s, usageError(errors.New("--no-auth contradicts --auth, and auth in the configuration: which of both?"))
	}
	if len(f.hosts) > 0 {
		s.Hosts = f.hosts
	}
	s.Allow = cmp.Or(f.allow, s.Allow)

	switch n, err := strconv.Atoi(f.rate); {
	case f.rate == "":
	case f.rate == "off":
		s.Rate = &serve.Rate{}
	case err != nil || n < 1:
		return s, usageError(fmt.Errorf("--rate %.20q is neither a number of requests nor off", f.rate))
	default:
		s.Rate = &serve.Rate{PerSecond: n, Burst: 10 * n}
	}

	return s, nil
}

// newGuard returns the guard for a listener at that address. Giving everyone access is an error,
// except on loopback and with --no-auth.
func (f *guardFlags) newGuard(s config.Service, at net.Addr) (serve.Guard, error) {
	g := serve.Guard{Clients: s.Clients, Hosts: s.Hosts, Allow: s.Allow}
	tcp, ok := at.(*net.TCPAddr)
	loopback := ok && tcp.IP.IsLoopback()

	switch {
	case s.Rate != nil:
		g.Rate = *s.Rate
	case !loopback:
		g.Rate = openRate
	}
	if !loopback && len(s.Clients) == 0 && !f.noAuth {
		return g, usageError(fmt.Errorf("others reach %v, and everyone would have access: name clients with --auth FILE, or with auth in the configuration, or give --no-auth", at))
	}
	return g, nil
}

// warnWithoutTLS logs a warning if credentials cross the network in the clear.
func (f *guardFlags) warnWithoutTLS(s config.Service, at net.Addr, log *slog.Logger) {
	tcp, ok := at.(*net.TCPAddr)
	if loopback := ok && tcp.IP.IsLoopback(); loopback || s.TLS != (serve.TLS{}) {
		return
	}
	if len(s.Clients) > 0 {
		log.Warn("without TLS, others on the network can read passwords and tokens: see --tls-cert")
	}
}

// printHash prints the hash of a secret, for auth in the configuration or the file of --auth.
func (f *guardFlags) printHash(std *streams) error {
	switch f.hash {
	case "token":
		token, hash := credential.NewToken()
		_, err := fmt.Fprintf(std.out, "token %s\nhash  %s\n", token, hash)
		return err
	case "password":
	default:
		return usageError(errors.New("--hash reads a password from standard input, and --hash=token makes a token"))
	}

	password, err := readPassword(std)
	if err != nil {
		return err
	}
	hash, err := credential.HashPassword(password)
	if err != nil {
		return usageError(err)
	}
	_, err = fmt.Fprintln(std.out, hash)
	return err
}

// readPassword reads a line. A terminal does not show it.
func readPassword(std *streams) (string, error) {
	if in, ok := std.in.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		fmt.Fprint(std.err, "Password: ")
		password, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(std.err)
		return string(password), err
	}
	line, err := bufio.NewReader(io.LimitReader(std.in, 1<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("standard input: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
