package serve

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab"
)

// lookEvery is how often the files of a certificate are looked at, where connections come:
// that is two stats.
const lookEvery = time.Second

// certificate is a pair of PEM files, read again when they have changed.
type certificate struct {
	paths TLS
	log   *slog.Logger

	mu     sync.Mutex
	pair   *tls.Certificate
	looked time.Time
	read   [2]fileState // as they were when they were read last, well or not
}

// fileState tells a file from what it was before.
type fileState struct {
	modified time.Time
	size     int64
}

// newCertificate reads the files. The error wraps kfgrab.ErrUsage.
func newCertificate(paths TLS, log *slog.Logger) (*certificate, error) {
	c := &certificate{paths: paths, log: log, looked: time.Now()}
	c.read = c.states()
	if err := c.load(); err != nil {
		return nil, fmt.Errorf("%w: TLS: %w", kfgrab.ErrUsage, err)
	}
	return c, nil
}

// config takes TLS 1.2, which browsers have had since 2013, and later.
func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
}

// get returns what the files hold, or what they held when they last made sense: who writes
// them does so one after the other.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.looked) >= lookEvery {
		c.looked = now
		c.look()
	}
	return c.pair, nil
}

// look is called with mu held.
func (c *certificate) look() {
	states := c.states()
	if states == c.read {
		return
	}
	c.read = states
	if err := c.load(); err != nil {
		c.log.Error("the TLS certificate stays as it was", "error", err.Error())
		return
	}
	c.log.Info("TLS certificate read", "file", c.paths.Cert, "until", c.pair.Leaf.NotAfter)
}

func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.paths.Cert, c.paths.Key)
	if err == nil {
		c.pair = &pair
	}
	return err
}

func (c *certificate) states() (s [2]fileState) {
	for i, path := range []string{c.paths.Cert, c.paths.Key} {
		if info, err := os.Stat(path); err == nil {
			s[i] = fileState{info.ModTime(), info.Size()}
		}
	}
	return s
}
