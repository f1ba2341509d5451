package decode_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/keyframe"
)

// The access unit of a keyframe becomes a small JPEG. The decoder starts before
// the keyframe has arrived.
func ExampleDecoder_Start() {
	ctx := context.Background()
	thumbnail := decode.Output{Width: 320, Quality: 75}

	var d decode.Decoder
	job, err := d.Start(ctx, keyframe.H264, thumbnail)
	if err != nil {
		fmt.Println(err) // no ffmpeg
		return
	}
	frame, err := nextKeyframe(ctx)
	if err != nil {
		job.Cancel()
		fmt.Println(err)
		return
	}
	if err := job.Decode(ctx, os.Stdout, frame); err != nil {
		fmt.Println(err)
	}
}

// One picture per second, from a decoder that keeps running between them.
func ExamplePool() {
	ctx := context.Background()
	var pool decode.Pool
	defer pool.Close()
	for range time.Tick(time.Second) {
		frame, err := nextKeyframe(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := pool.Decode(ctx, os.Stdout, frame, decode.Output{}); err != nil {
			fmt.Println(err) // concerns this frame only
		}
	}
}

// nextKeyframe stands for the code that reads the stream.
func nextKeyframe(context.Context) (*keyframe.Frame, error) {
	return nil, keyframe.ErrNotFound
}

func ExampleOutput_Size() {
	pal := keyframe.Info{Width: 720, Height: 576, SARNum: 16, SARDen: 11}
	fmt.Println(decode.Output{}.Size(pal))
	fmt.Println(decode.Output{Width: 320}.Size(pal))
	fmt.Println(decode.Output{Width: 320, Height: 240}.Size(pal))
	// Output:
	// 1047 576
	// 320 176
	// 320 240
}
