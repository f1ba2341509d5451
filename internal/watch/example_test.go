package watch_test

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"time"

	"github.com/kfgrab/kfgrab/internal/schedule"
	"github.com/kfgrab/kfgrab/internal/sink"
	"github.com/kfgrab/kfgrab/internal/watch"
)

// Watch two cameras, with a picture every five minutes, until the program is
// interrupted.
func Example() {
	shots, err := sink.OpenDir("shots", nil)
	if err != nil {
		panic(err)
	}
	defer shots.Close()
	w, err := watch.New(&watch.Options{State: "shots/.kfgrab/watch.state", Logger: slog.Default()})
	if err != nil {
		panic(err)
	}
	defer w.Close()
	var streams []watch.Stream
	for name, url := range map[string]string{"door": "rtsp://door/stream", "yard": "rtsp://yard/stream"} {
		streams = append(streams, watch.Stream{
			Name: name, URL: url, Rule: schedule.Rule{Every: 5 * time.Minute}, Sinks: []watch.Sink{shots},
		})
	}
	if err := w.Set(streams); err != nil {
		panic(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	w.Run(ctx)
}
