package serve

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/picture"
)

const (
	placeholderWidth, placeholderHeight = 640, 360
	// maxPlaceholder bounds the requested size: a picture of that size is cheap to draw.
	maxPlaceholder = 1280
	// placeholderColumns is the length of a line. placeholderLines bounds the lines
	// of the reason, which would not be read if it were longer.
	placeholderColumns, placeholderLines = 46, 6
)

// drawErrors answers an <img> that asks for it with a drawn picture in place of
// an error of h. Its status is 200, since some programs show no picture with
// another; a header has the status of the error.
func (s *Server) drawErrors(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := h(w, r)
		if err == nil || r.Context().Err() != nil || !hasFlag(r, "placeholder") {
			return err
		}

		p := newProblem(err)
		format := picture.JPEG
		if f, err := formatOf(r.PathValue("file")); err == nil && f != picture.JPEG {
			format = picture.PNG // the only other format that is drawn
		}
		data, drawErr := s.drawPlaceholder(r, format, placeholderText(r.PathValue("name"), p, err))
		if drawErr != nil {
			return err
		}

		header := w.Header()
		for _, name := range []string{"ETag", "Last-Modified", "Age"} {
			header.Del(name)
		}
		header.Set("Content-Type", format.MIMEType())
		header.Set("Cache-Control", "no-store")
		header.Set("X-Kfgrab-State", "placeholder")
		header.Set("X-Kfgrab-Status", strconv.Itoa(p.Status))
		extendDeadline(w)
		writeBody(w, r, http.StatusOK, data)
		return nil
	}
}

// placeholderText returns the stream's name, the reason and the time. For an
// error of a stream, the reason leaves out the address, which viewers must not
// learn.
func placeholderText(name string, p *problem, err error) []string {
	at := time.Now()
	var failed *streamError
	if errors.As(err, &failed) {
		at = failed.at
	}
	reason := p.Detail
	if p.Class != "" {
		reason = kfgrab.ClassOf(err).Reason()
	}
	text := append([]string{name, strconv.Itoa(p.Status) + " " + p.Title}, wrapText(reason)...)
	return append(text, at.UTC().Format("2006-01-02 15:04:05 UTC"))
}

// wrapText breaks text into lines.
func wrapText(text string) (list []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		for runes := []rune(word); len(runes) > placeholderColumns; runes = []rune(word) {
			list = append(list, strings.TrimSpace(line+" "+string(runes[:placeholderColumns])))
			line, word = "", string(runes[placeholderColumns:])
		}
		if len(line)+1+len(word) > placeholderColumns && line != "" {
			list = append(list, line)
			line = ""
		}
		line = strings.TrimSpace(line + " " + word)
	}

	if line != "" {
		list = append(list, line)
	}
	if len(list) > placeholderLines {
		list = append(list[:placeholderLines-1], "...")
	}

	return list
}

// drawPlaceholder draws text in the size that the request asks for.
func (s *Server) drawPlaceholder(r *http.Request, format picture.Format, text []string) ([]byte, error) {
	o := picture.Options{Format: format}
	q := query{values: r.URL.Query()}
	q.readSize(&o.Output)
	o.Output.Width, o.Output.Height = placeholderSize(o.Output.Width, o.Output.Height)
	return s.pictures.drawText(r.Context(), o, text)
}

// placeholderSize keeps the shape if only one side is given.
func placeholderSize(width, height int) (int, int) {
	switch {
	case width == 0 && height == 0:
		width, height = placeholderWidth, placeholderHeight
	case height == 0:
		height = width * placeholderHeight / placeholderWidth
	case width == 0:
		width = height * placeholderWidth / placeholderHeight
	}
	return min(width, maxPlaceholder), min(height, maxPlaceholder)
}
