package bench

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the test binary run as either side of the suite.
func TestMain(m *testing.M) {
	Main()
	goleak.VerifyTestMain(m)
}
