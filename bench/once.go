package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab"
)

// runOnce runs a contestant and adds the sample to its row.
func (s *suite) runOnce(row *Row, j job, c *Contestant, now, next *expected) error {
	picture := filepath.Join(s.dir, "picture.jpg")
	os.Remove(picture)
	scheme := "http://"
	if j.server == tlsServer {
		scheme = "https://"
	}

	base := scheme + s.addresses[j.server] + "/"
	o := order{Op: "run", TimeoutMS: runTimeout.Milliseconds(), Argv: c.fillCommand(map[string]string{
		"MASTER": base + now.master, "MEDIA": base + now.media, "PICTURE": picture,
		"CERTIFICATE": filepath.Join(s.dir, certificate),
	}, s.programs)}

	if err := s.publishStage(now.stage); err != nil {
		return err
	}
	wanted := now
	if c.again {
		o.Op = "start"
		a, err := s.client.sendOrder(o)
		if err != nil {
			return err
		}
		if a.Outcome != nil {
			row.Status = describeFailure(c, a.Outcome)
			return nil
		}
		wanted = next
		if err := s.publishStage(wanted.stage); err != nil {
			return err
		}
		o = order{Op: "finish"}
	}

	before, err := s.awaitSettledTraffic()
	if err != nil {
		return err
	}
	logged, err := s.readAccessLog()
	if err != nil {
		return err
	}

	a, err := s.client.sendOrder(o)
	if err != nil {
		return err
	}
	after, err := s.awaitSettledTraffic()
	if err != nil {
		return err
	}

	log, err := s.readAccessLog()
	if err != nil {
		return err
	}
	sample := Sample{
		Down: after.Down - before.Down, Up: after.Up - before.Up,
		Requests: bytes.Count(log[len(logged):], []byte("\n")),
		Floor:    s.floorFor(c, now, next).Wire,
		Wall:     a.Outcome.Wall, CPU: a.Outcome.CPU, Memory: a.Outcome.Memory,
	}
	s.addSample(row, c, a.Outcome, sample, picture, wanted)
	return nil
}

// addSample adds the sample to the row, or sets the row's status if there is no picture.
func (s *suite) addSample(row *Row, c *Contestant, o *outcome, sample Sample, picture string, wanted *expected) {
	got, err := readPicture(picture)
	if (o.Exit != 0 && (err != nil || c.kfgrab)) || o.TimedOut {
		row.Status = describeFailure(c, o)
		return
	}
	if err != nil {
		row.Status = "failed: " + err.Error()
		if o.Stderr != "" {
			row.Status = describeFailure(c, o)
		}
		return
	}

	if c.again {
		var r againReport
		if json.Unmarshal([]byte(o.Stdout), &r) != nil {
			row.Status = "failed: no report"
			return
		}
		sample.Wall, sample.CPU = r.Wall, r.CPU
	}

	reference := wanted.picture
	if c.small {
		reference = wanted.thumbnail
	}
	sample.PSNR = psnr(got, reference)
	row.Runs = append(row.Runs, sample)
}

// describeFailure returns a short description of how a contestant failed.
func describeFailure(c *Contestant, o *outcome) string {
	said, _, _ := strings.Cut(strings.TrimSpace(o.Stderr), "\n")
	switch {
	case o.TimedOut:
		return fmt.Sprintf("failed: no picture within %v", runTimeout)
	case c.kfgrab && o.Exit == kfgrab.BadStream.ExitCode():
		return unsupportedStatus + ": " + said
	}
	return fmt.Sprintf("failed: exit %d: %s", o.Exit, said)
}

// publishStage publishes a stage with a later modification time than the one before.
func (s *suite) publishStage(st *stage) error {
	s.modified = s.modified.Add(time.Second)
	return st.writeFiles(s.root, s.modified)
}

// awaitSettledTraffic waits until nothing crosses the link any more: data that a
// contestant has not read may still be on its way.
func (s *suite) awaitSettledTraffic() (traffic, error) {
	const pause, patience = 60 * time.Millisecond, 50
	var last traffic
	for range patience {
		a, err := s.counter.sendOrder(order{Op: "count"})
		if err != nil {
			return traffic{}, err
		}
		if a.Traffic == last {
			return last, nil
		}
		last = a.Traffic
		time.Sleep(pause)
	}
	return last, nil
}

// readAccessLog returns what the servers have logged so far.
func (s *suite) readAccessLog() ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(s.dir, accessLog))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return b, err
}
