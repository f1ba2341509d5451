package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// roleVariable names the environment variable with a process's side.
const roleVariable = "KFGRAB_BENCH_ROLE"

const (
	originRole = "origin"
	clientRole = "client"
)

// Main does not return if the suite started this process as one of its two sides, or as
// the contestant that grabs twice. Call it first in main and TestMain.
func Main() {
	switch role := os.Getenv(roleVariable); {
	case role == originRole:
		os.Exit(answerOrders(os.Stdin, os.Stdout, newOriginSide()))
	case role == clientRole:
		c := &clientSide{}
		ended := make(chan os.Signal, 1)
		signal.Notify(ended, syscall.SIGTERM)
		go func() {
			for range ended {
				c.interrupt()
			}
		}()
		os.Exit(answerOrders(os.Stdin, os.Stdout, c))
	case len(os.Args) > 1 && os.Args[1] == againCommand:
		os.Exit(runAgain(os.Args[2:], os.Stdin, os.Stdout, os.Stderr))
	}
}

// order is an order of the suite to a side. Each operation has its own fields.
type order struct {
	Op string

	// open, of the origin
	Dir, Root string // for logs; of the files to serve
	Host      string // the address to listen on
	Proxied   bool   // put a counting and shaping proxy in front

	// run and start, of the client
	Argv      []string
	TimeoutMS int64
}

// answer is a side's reply. Each operation has its own fields.
type answer struct {
	Error     string            `json:",omitempty"`
	Addresses map[string]string `json:",omitempty"` // open: by server
	Traffic   traffic           // count
	Outcome   *outcome          `json:",omitempty"` // run, finish
}

// traffic is the number of bytes on the link, as the contestants see it.
type traffic struct{ Down, Up int64 }

// side carries out orders.
type side interface {
	do(o *order) (answer, error)
	close()
}

// answerOrders answers orders until the suite closes the pipe or dies.
func answerOrders(in io.Reader, out io.Writer, s side) int {
	defer s.close()
	orders, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var o order
		if err := orders.Decode(&o); err != nil {
			if errors.Is(err, io.EOF) {
				return 0
			}
			return 1
		}
		a, err := s.do(&o)
		if err != nil {
			a.Error = err.Error()
		}
		if err := answers.Encode(a); err != nil {
			return 1
		}
	}
}

// peer is the suite's handle of a side.
type peer struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	orders  *json.Encoder
	answers *json.Decoder
}

// startPeer runs this program again as a side, in its own network namespace if isolated.
func startPeer(role string, isolated bool) (*peer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &peer{cmd: exec.Command(self)}
	p.cmd.Env = append(os.Environ(), roleVariable+"="+role)
	p.cmd.Stderr = os.Stderr
	p.cmd.SysProcAttr = ownProcessGroup() // only the suite handles an interrupt
	if isolated {
		isolateNetwork(p.cmd.SysProcAttr)
	}

	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}

	p.orders, p.answers = json.NewEncoder(p.in), json.NewDecoder(out)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the %s side: %w", role, err)
	}
	return p, nil
}

func (p *peer) sendOrder(o order) (answer, error) {
	if err := p.orders.Encode(o); err != nil {
		return answer{}, err
	}
	var a answer
	if err := p.answers.Decode(&a); err != nil {
		return answer{}, fmt.Errorf("a side of the suite ended: %w", err)
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}

// interrupt ends the contestant that the client side is running.
func (p *peer) interrupt() { p.cmd.Process.Signal(syscall.SIGTERM) }

// close ends the side, which ends everything that it started.
func (p *peer) close() error {
	p.in.Close()
	return p.cmd.Wait()
}
