package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab/picture"
)

// tries is how many keyframes are taken at most for one that shows something; 0 takes
// the first one as it is.
type tries int

func (t *tries) register(flags *pflag.FlagSet) {
	flags.Var(t, "skip-black", "pass over keyframes that are black or of one brightness, for those that follow; at most so many `tries`")
	flags.Lookup("skip-black").NoOptDefVal = strconv.Itoa(picture.DefaultTries)
}

func (t *tries) Type() string { return "tries" }

func (t *tries) String() string {
	if *t == 0 {
		return ""
	}
	return strconv.Itoa(int(*t))
}

func (t *tries) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > picture.MaxTries {
		return fmt.Errorf("%q is no number of keyframes from 1 to %d", text, picture.MaxTries)
	}
	*t = tries(n)
	return nil
}
