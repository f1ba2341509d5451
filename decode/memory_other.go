//go:build !linux

package decode

import "errors"

func embeddedInMemory() (string, error) { return "", errors.ErrUnsupported }
