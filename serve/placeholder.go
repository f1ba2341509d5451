package serve

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/overlay"
	"github.com/kfgrab/kfgrab/picture"
)

const (
	placeholderWidth, placeholderHeight = 640, 360
	// maxPlaceholder is what costs little to draw.
	maxPlaceholder = 1280
	// placeholderColumns are the letters of a line, placeholderLines how many there are of
	// the reason: more would not be read.
	placeholderColumns, placeholderLines = 46, 6
	// drawnBytes holds some hundred placeholders.
	drawnBytes = 2 << 20
)

// placeholders answers an <img> that asks for it with a drawn picture in place of the
// error of h, with the status 200, as some of those who show pictures show none with
// another. The status of the error is in a header.
func (s *Server) placeholders(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := h(w, r)
		if err == nil || r.Context().Err() != nil || !flagged(r, "placeholder") {
			return err
		}
		p := problemOf(err)
		format := picture.JPEG
		if f, err := formatOf(r.PathValue("file")); err == nil && f != picture.JPEG {
			format = picture.PNG // what else can be drawn
		}
		data, mime, drawErr := s.draw(r, format, lines(r.PathValue("name"), p, err))
		if drawErr != nil {
			return err
		}
		header := w.Header()
		for _, name := range []string{"ETag", "Last-Modified", "Age"} {
			header.Del(name)
		}
		header.Set("Content-Type", mime)
		header.Set("Content-Length", strconv.Itoa(len(data)))
		header.Set("Cache-Control", "no-store")
		header.Set("X-Kfgrab-State", "placeholder")
		header.Set("X-Kfgrab-Status", strconv.Itoa(p.Status))
		extendDeadline(w)
		w.WriteHeader(http.StatusOK)
		if r.Method != http.MethodHead {
			w.Write(data) // who does not take it has gone
		}
		return nil
	}
}

// lines are what the picture says: the stream's name, the reason and the time. Of a
// stream's fault it is the reason without the address: pictures go further than who may
// know where the camera is.
func lines(name string, p *problem, err error) []string {
	at := time.Now()
	var of *streamError
	if errors.As(err, &of) {
		at = of.at
	}
	reason := p.Detail
	if p.Class != "" {
		reason = kfgrab.ClassOf(err).Reason()
	}
	text := append([]string{name, strconv.Itoa(p.Status) + " " + p.Title}, wrapped(reason)...)
	return append(text, at.UTC().Format("2006-01-02 15:04:05 UTC"))
}

// wrapped breaks text into lines.
func wrapped(text string) (list []string) {
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

// draw makes the picture, a JPEG or PNG. The same one is drawn once for all who ask for it
// at a time, and kept for a while.
func (s *Server) draw(r *http.Request, format picture.Format, text []string) (data []byte, mime string, err error) {
	o := picture.Options{Format: format}
	q := query{values: r.URL.Query()}
	q.size(&o.Output)
	width, height := placeholderSize(o.Output.Width, o.Output.Height)
	o.Output.Width, o.Output.Height = width, height
	key := rendering{capture: strings.Join(text, "\n"), options: o}
	if data, ok := s.drawings.get(key); ok {
		return data, format.MIMEType(), nil
	}
	data, err = s.renders.do(r.Context(), key, func(context.Context) ([]byte, error) {
		data, err := drawn(width, height, format, text)
		if err == nil {
			s.drawings.put(key, data)
		}
		return data, err
	})
	return data, format.MIMEType(), err
}

// placeholderSize keeps the shape where one side is asked for.
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

func drawn(width, height int, format picture.Format, text []string) ([]byte, error) {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(img, img.Bounds(), image.NewUniform(color.RGBA{0x30, 0x34, 0x3c, 0xff}), image.Point{}, draw.Src)
	if err := overlay.Draw(img, text); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	var err error
	if format == picture.JPEG {
		err = jpeg.Encode(&b, img, &jpeg.Options{Quality: 80})
	} else {
		err = png.Encode(&b, img)
	}
	return b.Bytes(), err
}
