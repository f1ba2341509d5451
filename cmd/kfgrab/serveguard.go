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

// openRate is for listeners that others reach: a wall of fifty tiles asks for less, as do
// ten of them when they are opened.
var openRate = serve.Rate{PerSecond: 50, Burst: 500}

// guardFlags say where the service listens, and who is answered. Each takes the place of
// what the configuration says.
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

func (f *guardFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.listen, "listen", "", "`address` to listen at (default "+defaultListen+")")
	flags.StringVar(&f.auth, "auth", "", "`file` of who may ask: NAME:HASH in a line, and behind a space the streams, if not all")
	flags.BoolVar(&f.noAuth, "no-auth", false, "let everybody ask who reaches the address")
	flags.StringVar(&f.cert, "tls-cert", "", "`file` of the certificate for HTTPS (PEM), read again when it changes")
	flags.StringVar(&f.key, "tls-key", "", "`file` of its key (PEM)")
	flags.StringSliceVar(&f.hosts, "host", nil, "`name` of the service, besides its addresses; may be repeated")
	flags.StringVar(&f.allow, "allow-url", "", "`hosts` whose pictures ?url= may ask for, such as '*.example.com, 192.0.2.0/24'")
	flags.StringVar(&f.rate, "rate", "", "`requests` of a client in a second, or off (default 50 off loopback)")
	flags.StringVar(&f.hash, "hash", "", "print the hash of a `password` from standard input, or with --hash=token a new token and its hash")
	flags.Lookup("hash").NoOptDefVal = "password"
}

// ofGuard are the flags that go with --config.
var ofGuard = []string{"listen", "auth", "no-auth", "tls-cert", "tls-key", "host", "allow-url", "rate"}

// service returns what holds, of the configuration and the flags.
func (f *guardFlags) service(of config.Service) (config.Service, error) {
	of.Listen = cmp.Or(f.listen, of.Listen, defaultListen)
	if f.cert != "" || f.key != "" {
		of.TLS = serve.TLS{Cert: f.cert, Key: f.key}
	}
	if (of.TLS.Cert == "") != (of.TLS.Key == "") {
		return of, usageError(errors.New("--tls-cert and --tls-key go together"))
	}
	if f.auth != "" {
		var err error
		if of.Clients, err = config.LoadClients(f.auth); err != nil {
			return of, err
		}
	}
	if f.noAuth && len(of.Clients) > 0 {
		return of, usageError(errors.New("--no-auth, and there are those who may ask: which of both?"))
	}
	if len(f.hosts) > 0 {
		of.Hosts = f.hosts
	}
	of.Allow = cmp.Or(f.allow, of.Allow)
	switch n, err := strconv.Atoi(f.rate); {
	case f.rate == "":
	case f.rate == "off":
		of.Rate = &serve.Rate{}
	case err != nil || n < 1:
		return of, usageError(fmt.Errorf("--rate %.20q is neither a number of requests nor off", f.rate))
	default:
		of.Rate = &serve.Rate{PerSecond: n, Burst: 10 * n}
	}
	return of, nil
}

// guard returns what is to be done at that address. It is an error to let everybody ask
// who reaches it, unless nobody but this machine does or somebody has said so.
func (f *guardFlags) guard(of config.Service, at net.Addr) (serve.Guard, error) {
	g := serve.Guard{Clients: of.Clients, Hosts: of.Hosts, Allow: of.Allow}
	tcp, ok := at.(*net.TCPAddr)
	loopback := ok && tcp.IP.IsLoopback()
	switch {
	case of.Rate != nil:
		g.Rate = *of.Rate
	case !loopback:
		g.Rate = openRate
	}
	if !loopback && len(of.Clients) == 0 && !f.noAuth {
		return g, usageError(fmt.Errorf("others reach %v, and everybody could ask: say who may with --auth FILE, or auth in the configuration, or give --no-auth", at))
	}
	return g, nil
}

// warn tells of what is allowed, but not wise.
func (f *guardFlags) warn(of config.Service, at net.Addr, log *slog.Logger) {
	tcp, ok := at.(*net.TCPAddr)
	if loopback := ok && tcp.IP.IsLoopback(); loopback || of.TLS != (serve.TLS{}) {
		return
	}
	if len(of.Clients) > 0 {
		log.Warn("without TLS passwords and tokens can be read on their way: see --tls-cert")
	}
}

// printHash writes what a configuration, or the file of --auth, takes for a secret.
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
	hash, err := credential.OfPassword(password)
	if err != nil {
		return usageError(err)
	}
	_, err = fmt.Fprintln(std.out, hash)
	return err
}

// readPassword reads a line, which a terminal does not show.
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
