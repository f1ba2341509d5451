package sink

import "time"

// Picture is one picture of a stream, on its way to where it is kept.
type Picture struct {
	Stream    string    // the stream's name, as the user gave it
	Time      time.Time // when it was taken
	MediaTime time.Time // when the stream says that the scene was; zero where it does not

	Data          []byte
	ContentType   string // as image/jpeg
	Extension     string // as .jpg
	Width, Height int    // 0 where unknown

	URL string // of the stream, redacted
}

// Event tells of a picture that has been put, without its bytes.
type Event struct {
	Stream        string
	Time          time.Time
	MediaTime     time.Time // zero where unknown
	File          string    // what Put returned: a path or an s3:// URL
	URL           string    // of the stream, redacted
	ContentType   string
	Size          int // in bytes
	Width, Height int // 0 where unknown
}

// Event returns what there is to tell of p, which Put has put at file.
func (p *Picture) Event(file string) Event {
	return Event{
		Stream: p.Stream, Time: p.Time, MediaTime: p.MediaTime,
		File: file, URL: p.URL,
		ContentType: p.ContentType, Size: len(p.Data), Width: p.Width, Height: p.Height,
	}
}
