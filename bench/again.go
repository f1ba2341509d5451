package bench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
)

// againCommand runs the contestant "kfgrab, second grab": it opens a stream and grabs
// twice, and only the second grab is measured.
const againCommand = "again"

// againReport is its report on the second grab.
type againReport struct{ Wall, CPU time.Duration }

// runAgain grabs args[0], prints "ready", waits for a line, grabs again, and writes the
// picture to args[1].
func runAgain(args []string, in io.Reader, out, errs io.Writer) int {
	flags := flag.NewFlagSet(againCommand, flag.ContinueOnError)
	flags.SetOutput(errs)
	ca := flags.String("ca", "", "`file` of certificates to trust")
	if err := flags.Parse(args); err != nil || flags.NArg() != 2 {
		fmt.Fprintln(errs, "usage: again [--ca FILE] URL PICTURE")
		return kfgrab.Usage.ExitCode()
	}
	err := grabAgain(flags.Arg(0), flags.Arg(1), *ca, in, out)
	if err != nil {
		fmt.Fprintln(errs, err)
	}
	return kfgrab.ClassOf(err).ExitCode()
}

func grabAgain(url, file, ca string, in io.Reader, out io.Writer) error {
	options := &kfgrab.Options{}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return err
		}
		options.RootCAs = x509.NewCertPool()
		options.RootCAs.AppendCertsFromPEM(pem)
	}

	stream, err := kfgrab.Open(url, options)
	if err != nil {
		return err
	}
	defer stream.Close()
	ctx := context.Background()
	if _, err := stream.Grab(ctx); err != nil {
		return err
	}

	fmt.Fprintln(out, "ready")
	if _, err := bufio.NewReader(in).ReadString('\n'); err != nil {
		return err
	}
	began, before := time.Now(), ownCPU()
	snap, err := stream.Grab(ctx)
	if err != nil {
		return err
	}

	var picture bytes.Buffer
	if err := new(decode.Decoder).Decode(ctx, &picture, snap.Frame, decode.Output{}); err != nil {
		return err
	}
	if err := os.WriteFile(file, picture.Bytes(), 0o644); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(againReport{Wall: time.Since(began), CPU: ownCPU() - before})
}
