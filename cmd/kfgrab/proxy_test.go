package main

import (
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kfgrab/kfgrab/internal/testserver"
)

type proxyKey struct{}

// cmdProxied is "proxied N": the proxy has made N connections since the last time.
func cmdProxied(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: proxied N")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := ts.Value(proxyKey{}).(*testserver.Proxy).Targets(); len(got) != want {
		ts.Fatalf("the proxy connected to %q, want %d connections", got, want)
	}
}
