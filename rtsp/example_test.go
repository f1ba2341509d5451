package rtsp_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/rtsp"
)

// A camera's keyframe becomes a file that any player opens.
func ExampleSource() {
	u, err := url.Parse("rtsp://admin:password@camera.local/stream1")
	if err != nil {
		return
	}
	source, err := rtsp.New(u, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer source.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()

	frame, err := source.Keyframe(ctx)
	var status *rtsp.StatusError
	switch {
	case errors.As(err, &status) && status.Code == 401:
		fmt.Println("wrong user name or password")
	case errors.Is(err, keyframe.ErrNotFound):
		fmt.Println("no keyframe came")
	case err != nil:
		fmt.Println(err)
	default:
		fmt.Println(frame.Codec, frame.Kind, frame.Info.Width, frame.Info.Height)
		err = os.WriteFile("picture."+frame.Codec.String(), frame.Data, 0o644)
	}
}
