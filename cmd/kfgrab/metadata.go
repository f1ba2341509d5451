package main

import (
	"bytes"
	"context"
	"time"

	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/metadata"
)

// metadataFlags say what a picture tells of itself.
type metadataFlags struct {
	deterministic bool
	none          bool
}

func (f *metadataFlags) register(flags *pflag.FlagSet) {
	flags.BoolVar(&f.deterministic, "deterministic", false, "write no times into the picture: the same keyframe gives the same bytes")
	flags.BoolVar(&f.none, "no-metadata", false, "write neither times nor source nor software into the picture")
}

// describe puts what f lets pass into picture, where its format has a place for it.
func (f *metadataFlags) describe(picture []byte, format decode.Format, snap *kfgrab.Snapshot) ([]byte, error) {
	if f.none {
		return picture, nil
	}
	fields := metadata.Fields{Source: snap.URL, Software: "kfgrab " + version, Taken: snap.Taken, MediaTime: snap.MediaTime}
	if f.deterministic {
		fields.Taken, fields.MediaTime = time.Time{}, time.Time{}
	}
	switch format {
	case decode.JPEG:
		return metadata.JPEG(picture, fields)
	case decode.PNG:
		return metadata.PNG(picture, fields)
	}
	return picture, nil
}

// writePicture decodes, captions, describes and writes.
func (d *decoding) writePicture(ctx context.Context, out *output, snap *kfgrab.Snapshot) error {
	var picture bytes.Buffer
	var err error
	if d.job != nil {
		err = d.job.Decode(ctx, &picture, snap.Frame)
	} else {
		err = d.decoder.Decode(ctx, &picture, snap.Frame, d.output)
	}
	if err != nil {
		return err
	}
	if d.overlay != nil {
		if err := d.overlay.draw(&picture, d.output, snap); err != nil {
			return err
		}
	}
	data, err := d.metadata.describe(picture.Bytes(), d.format.picture, snap)
	if err != nil {
		return err
	}
	_, err = out.Write(data)
	return err
}
