//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package program

// checkAccess leaves it to the first write to find out.
func checkAccess(string) error { return nil }
