package sink

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain is also the process that writes until it is killed.
func TestMain(m *testing.M) {
	if root := os.Getenv("SINK_TEST_WRITE"); root != "" {
		fmt.Println(writeForEver(root))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// largePicture takes long enough to write that it can be interrupted.
const largePicture = 8 << 20

func writeForEver(root string) error {
	d, err := OpenDir(root, &DirOptions{Keep: Retention{Count: 3}})
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		p := shot(0, "")
		p.Time, p.Data = time.Now(), bytes.Repeat([]byte{byte(n)}, largePicture)
		if _, err := d.Put(context.Background(), p); err != nil {
			return err
		}
	}
}

// testTime is far more than any test needs.
const testTime = 20 * time.Second

func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// shot returns a picture of cam, taken this long after noon.
func shot(after time.Duration, data string) *Picture {
	return &Picture{
		Stream: "cam", Time: noon.Add(after), Data: []byte(data),
		ContentType: "image/jpeg", Extension: ".jpg",
		URL: "rtsp://xxxxx@camera/stream",
	}
}
