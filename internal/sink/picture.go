package sink

import (
	"errors"
	"time"

	"github.com/kfgrab/kfgrab/internal/event"
)

// errNoStream is the error for a picture that cannot have a path.
var errNoStream = errors.New("a picture needs the name of its stream")

// Picture is a picture of a stream that is to be stored.
type Picture struct {
	Stream    string    // the stream's name, as the user gave it
	Time      time.Time // when it was taken
	MediaTime time.Time // when the scene was, by the stream's clock; zero if unknown

	Data          []byte
	ContentType   string // such as image/jpeg
	Extension     string // such as .jpg
	Width, Height int    // 0 if unknown

	URL string // of the stream, redacted
}

// Event returns the event for p, which Put stored at file.
func (p *Picture) Event(file string) event.Event {
	return event.Event{
		Kind: event.Picture, Stream: p.Stream, Time: p.Time, MediaTime: p.MediaTime,
		File: file, URL: p.URL,
		ContentType: p.ContentType, Size: len(p.Data), Width: p.Width, Height: p.Height,
	}
}
