package sink

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTime is far more than any of the tests need.
const testTime = 20 * time.Second

func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// shot is a picture of cam, taken some time after noon.
func shot(after time.Duration, data string) *Picture {
	return &Picture{
		Stream: "cam", Time: noon.Add(after), Data: []byte(data),
		ContentType: "image/jpeg", Extension: ".jpg",
		URL: "rtsp://xxxxx@camera/stream",
	}
}
