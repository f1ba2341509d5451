package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// ServeLoad is one request, repeated on several connections. Each connection waits for its
// last answer.
type ServeLoad struct {
	Name   string
	Status int
	Bytes  int // of an answer's body
	Took   []time.Duration
	For    time.Duration
}

// measureLoad runs the load. It does not use net/http, which as a client would take more
// CPU than the service.
func measureLoad(ctx context.Context, address, path, headers string, clients int, long time.Duration) (*ServeLoad, error) {
	request := []byte("GET " + path + " HTTP/1.1\r\nHost: " + address + "\r\n" + headers + "\r\n")
	all := make([]ServeLoad, clients)
	errs := make([]error, clients)
	began := time.Now()
	var running sync.WaitGroup
	for i := range clients {
		running.Go(func() { errs[i] = all[i].askRepeatedly(ctx, address, request, began.Add(long)) })
	}

	running.Wait()
	sum := all[0]
	for _, l := range all[1:] {
		sum.Took = append(sum.Took, l.Took...)
	}
	sum.For = time.Since(began)
	return &sum, errors.Join(errs...)
}

func (l *ServeLoad) askRepeatedly(ctx context.Context, address string, request []byte, end time.Time) error {
	var c net.Conn
	var in *bufio.Reader
	defer func() {
		if c != nil {
			c.Close()
		}
	}()

	for began := time.Now(); began.Before(end); {
		if c == nil {
			var err error
			if c, err = new(net.Dialer).DialContext(ctx, "tcp", address); err != nil {
				return err
			}
			in = bufio.NewReaderSize(c, 64<<10)
		}
		if _, err := c.Write(request); err != nil {
			return err
		}
		a, err := skipAnswer(in)
		if err != nil {
			return err
		}
		if a.last {
			c.Close()
			c = nil
		}
		now := time.Now()
		l.Took = append(l.Took, now.Sub(began))
		l.Status, l.Bytes = a.status, a.length
		began = now
	}
	return nil
}

// answerHead is the part of an answer that the load looks at.
type answerHead struct {
	status, length int
	last           bool // the server closes the connection
}

var lengthName = []byte("Content-Length: ")

// skipAnswer reads an answer with a Content-Length, or without a body.
func skipAnswer(in *bufio.Reader) (a answerHead, err error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return a, err
	}
	if len(line) < 12 {
		return a, fmt.Errorf("not an HTTP answer: %q", line)
	}

	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return a, err
	}
	for len(line) > 2 {
		if line, err = in.ReadSlice('\n'); err != nil {
			return a, err
		}
		a.last = a.last || bytes.HasPrefix(line, []byte("Connection: close"))
		if value, ok := bytes.CutPrefix(line, lengthName); ok {
			if a.length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return a, err
			}
		}
	}
	_, err = in.Discard(a.length)
	return a, err
}

// watchMJPEG watches until ctx is done and calls had after n pictures.
func (s *service) watchMJPEG(ctx context.Context, n int, had func()) error {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if _, err := io.WriteString(c, "GET "+served+"/mjpeg?width=640 HTTP/1.0\r\n\r\n"); err != nil {
		return err
	}

	in := bufio.NewReaderSize(c, 4<<10)
	if _, err := skipAnswer(in); err != nil {
		return err
	}
	for ; ; n-- {
		if n == 0 {
			had()
		}
		if _, err := in.ReadSlice('\n'); err != nil { // the boundary
			return err
		}
		if err := skipPart(in); err != nil {
			return err
		}
	}
}

// skipPart reads a picture and the line end after it.
func skipPart(in *bufio.Reader) error {
	length := 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 {
			_, err := in.Discard(length + 2)
			return err
		}
		if value, ok := bytes.CutPrefix(line, lengthName); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
}
