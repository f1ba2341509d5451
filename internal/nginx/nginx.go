// Package nginx runs a private nginx with its own configuration and the privileges of
// the caller. It is internal to kfgrab: kfgrab demo, tests and the benchmark use it.
//
// Call [Start], and [Server.Close] at the end. [SelfSigned] makes a certificate for TLS.
package nginx

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// ErrNotInstalled means that there is no nginx on this machine.
var ErrNotInstalled = errors.New("nginx is not installed: make deps")

// Config describes what to serve. Root and Dir are required.
type Config struct {
	Root    string   // its files are served
	Dir     string   // an empty directory for configuration, logs and temporary files
	Address string   // to listen on; "" means "127.0.0.1:0"
	Listen  string   // parameters of the listen directive, such as "ssl http2"
	HTTP    []string // directives of the http block, such as "gzip on;"
	Server  []string // directives of the server block, such as "max_ranges 0;"
}

// Server is a running nginx.
type Server struct {
	Addr string // host and port of the listening socket

	cmd    *exec.Cmd
	stderr bytes.Buffer
}

// nginx inherits the listening socket from this process, as it does when it upgrades its
// own binary. So there is no port to guess and no start to wait for.
const config = `
daemon off;
worker_processes 1;
pid %[1]s/pid;
error_log %[1]s/error.log;
%[6]s
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	types {
		application/vnd.apple.mpegurl m3u8;
		video/mp2t ts;
		video/mp4 mp4 m4s;
		text/html html;
	}
	default_type application/octet-stream;
	%[7]s
	server {
		listen %[2]s %[3]s;
		root %[4]s;
		%[5]s
	}
}
`

// Start runs nginx. The error wraps ErrNotInstalled if there is none.
func Start(c Config) (*Server, error) {
	binary, err := findBinary()
	if err != nil {
		return nil, err
	}
	if c.Address == "" {
		c.Address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", c.Address)
	if err != nil {
		return nil, err
	}
	defer l.Close()

	socket, err := l.(*net.TCPListener).File()
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	file, err := c.writeConfig(l.Addr().String())
	if err != nil {
		return nil, err
	}

	s := &Server{Addr: l.Addr().String()}
	s.cmd = exec.Command(binary, "-p", c.Dir, "-c", file, "-e", filepath.Join(c.Dir, "error.log"))
	s.cmd.Env = append(os.Environ(), "NGINX=3;")
	s.cmd.ExtraFiles = []*os.File{socket}
	s.cmd.Stderr = &s.stderr
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	return s, nil
}

// writeConfig writes the configuration for an nginx at addr and returns the path.
func (c *Config) writeConfig(addr string) (string, error) {
	root, err := filepath.Abs(c.Root)
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf(config, c.Dir, addr, c.Listen, root,
		strings.Join(c.Server, "\n\t\t"), userDirective(), strings.Join(c.HTTP, "\n\t"))
	file := filepath.Join(c.Dir, "nginx.conf")
	return file, os.WriteFile(file, []byte(text), 0o600)
}

// Close stops the server. The error includes nginx's messages.
func (s *Server) Close() error {
	s.cmd.Process.Signal(syscall.SIGTERM)
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("nginx: %w\n%s", err, s.stderr.String())
	}
	return nil
}

// userDirective lets the workers of root stay root, because test directories are closed
// to other users.
func userDirective() string {
	if os.Geteuid() == 0 {
		return "user root;"
	}
	return ""
}

// findBinary also looks in sbin, which is not in every PATH.
func findBinary() (string, error) {
	for _, name := range []string{"nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNotInstalled
}
