package bench

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the test binary be the suite's two sides.
func TestMain(m *testing.M) {
	Main()
	goleak.VerifyTestMain(m)
}
