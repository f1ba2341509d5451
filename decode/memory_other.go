//go:build !linux

package decode

import "errors"

func inMemory() (string, error) { return "", errors.ErrUnsupported }
