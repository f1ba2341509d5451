package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/atomicfile"
	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/keyframe"
)

func newDemoCommand(std *streams) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Start live streams on this machine and grab a picture from each",
		Long: `demo starts live streams on loopback: an HLS ladder of 1080p, 720p and 360p in MPEG-TS and in
fMP4, and two RTSP streams. It grabs a picture from each and prints what that took, next to the
size of the whole segment.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), std, dir, origin.Full())
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "demo-out", "`directory` store the pictures here")
	return cmd
}

// demoTimeout bounds one grab: RTSP waits for up to one GOP.
const demoTimeout = 20 * time.Second

// demoGrab is a row of the table.
type demoGrab struct {
	name  string
	url   string
	width int
	file  string
}

func runDemo(ctx context.Context, std *streams, dir string, profile origin.Profile) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	fmt.Fprintln(std.out, "encoding the streams, once (about ten seconds) ...")
	o, err := origin.Start(ctx, &origin.Options{Profile: profile})
	if err != nil {
		return err
	}
	defer o.Close()

	table := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PATH\tCODEC\tSIZE\tDOWNLOADED\tWHOLE SEGMENT\tREQUESTS\tTIME\tFILE")

	for _, g := range []demoGrab{
		{"HLS, MPEG-TS", o.HLS(origin.TS), 0, "hls-ts.jpg"},
		{"HLS, fMP4", o.HLS(origin.FMP4), 0, "hls-fmp4.jpg"},
		{"HLS, --width 320", o.HLS(origin.TS), 320, "hls-320.jpg"},
		{"RTSP, H.264", o.RTSP(keyframe.H264), 0, "rtsp-h264.jpg"},
		{"RTSP, H.265", o.RTSP(keyframe.H265), 0, "rtsp-h265.jpg"},
	} {
		row, err := g.grabRow(ctx, o, dir)
		if err != nil {
			return err
		}
		fmt.Fprintln(table, row)
	}

	return table.Flush()
}

// grabRow grabs and decodes one picture, and returns its row of the table.
func (g demoGrab) grabRow(ctx context.Context, o *origin.Origin, dir string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, demoTimeout)
	defer cancel()
	began, seen := time.Now(), len(o.Requests())
	snap, err := kfgrab.Grab(ctx, g.url, &kfgrab.Options{Width: g.width})
	if err != nil {
		return "", err
	}

	path := filepath.Join(dir, g.file)
	out := decode.Output{Width: g.width}
	if err := savePicture(ctx, path, snap.Frame, out); err != nil {
		return "", err
	}

	width, height := out.Size(snap.Frame.Info)
	whole := "-"

	for _, r := range o.Requests()[seen:] {
		if n := o.SegmentSize(r.Path); n > 0 {
			whole = units.FormatKilobytes(n)
		}
	}
	return fmt.Sprintf("%s\t%v\t%dx%d\t%s\t%s\t%d\t%v\t%s", g.name, snap.Frame.Codec, width, height,
		units.FormatKilobytes(snap.Cost.Down), whole, snap.Cost.Requests, time.Since(began).Round(time.Millisecond), path), nil
}

func savePicture(ctx context.Context, path string, f *keyframe.Frame, o decode.Output) error {
	file, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	defer file.Discard()
	if err := new(decode.Decoder).Decode(ctx, file, f, o); err != nil {
		return err
	}
	return file.Commit()
}
