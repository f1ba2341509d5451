package session_test

import (
	"context"
	"fmt"
	"time"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/session"
)

// The last five pictures of a camera, five per second, at any time.
func ExampleSession_Frames() {
	s, err := session.Open("rtsp://admin:password@camera.local/stream1", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	s.Start(context.Background())

	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	clip, err := s.Frames(ctx, 5, 5, decode.Output{Format: decode.RGB24, Width: 480, Height: 360})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(clip.Count, clip.Height, clip.Width, len(clip.Data)) // 5 360 480 2592000
}
