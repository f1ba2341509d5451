package main

import (
	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab/picture"
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

func (f *metadataFlags) apply(o *picture.Options) {
	o.Deterministic, o.NoMetadata, o.Software = f.deterministic, f.none, "kfgrab "+version
}
