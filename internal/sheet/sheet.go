package sheet

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/keyframe"
)

// Sheet is the picture of many moments.
type Sheet struct {
	Image *image.RGBA
	Tiles []Tile // in the order of their times, row by row

	URL      string        // of the stream, without credentials
	Duration time.Duration // of the recording or the live window
	Live     bool
	Cost     kfgrab.Cost // of all requests together

	// Thinned means that there are fewer tiles than moments, because more would have
	// cost more than Options.Stream.MaxBytes.
	Thinned bool

	// Primaries are those of Image, for metadata.Fields.
	Primaries int
}

// Tile is one moment. Times count from the start of the recording, or of the live window
// at the time.
type Tile struct {
	From, To time.Duration   // the part of the stream that it represents
	At       time.Duration   // of the keyframe
	Rect     image.Rectangle // in the sheet
	Err      error           // why the tile is empty
}

// Make fetches keyframes of the stream at rawURL and lays out their pictures. Parts of
// the stream with the same keyframe share a tile, so there may be fewer tiles than asked
// for. o may be nil.
//
// The error is that of kfgrab.Open or kfgrab.Stream.Timeline or, if no tile has a
// picture, that of the first tile. kfgrab.ClassOf classifies it. If only some tiles are
// empty, Make succeeds and Missing returns an error.
func Make(ctx context.Context, rawURL string, o *Options) (*Sheet, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := o.Decoder.Check(ctx, o.Output); err != nil {
		return nil, err
	}

	began := time.Now()
	stream, err := kfgrab.Open(rawURL, &o.Stream)
	if err != nil {
		return nil, err
	}
	defer stream.Close()

	line, err := stream.Timeline(ctx)
	if err != nil {
		return nil, err
	}

	m := &making{options: o, url: stream.URL()}
	if m.stretches, err = o.divideTime(line.Duration); err != nil {
		return nil, m.withURL(err)
	}

	s := &Sheet{URL: m.url, Duration: line.Duration, Live: line.Live}
	if err := m.fetchAndDecode(ctx, line); err != nil {
		return nil, err
	}
	s.Thinned = line.Thinned()
	if err := m.finishSheet(s); err != nil {
		return nil, err
	}
	s.Cost = stream.Spent()
	s.Cost.Elapsed = time.Since(began)
	return s, nil
}

// making is a sheet that is being made.
type making struct {
	options   *Options
	url       string // redacted
	stretches []stretch
	pool      decode.Pool
	cancel    context.CancelCauseFunc

	mu    sync.Mutex
	shots []shot
	done  int // stretches

	primaries int // of one of the shots
}

// shot is the result for one or several stretches.
type shot struct {
	moment  keyframe.Moment // without its frame
	picture *pixels         // nil if the moment has an error
}

// fetchAndDecode fills m.shots. The error is that of the context, or of usage.
func (m *making) fetchAndDecode(ctx context.Context, line *kfgrab.Timeline) error {
	ctx, m.cancel = context.WithCancelCause(ctx)
	defer m.cancel(nil)
	m.pool.Decoder = m.options.Decoder
	defer m.pool.Close()

	times := make([]time.Duration, len(m.stretches))
	for i, s := range m.stretches {
		times[i] = s.at
	}

	if err := line.Keyframes(ctx, times, m.options.Parallel, func(moment keyframe.Moment) { m.takeMoment(ctx, moment) }); err != nil {
		return err
	}
	if err := m.replaceBlanks(ctx, line); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return m.withURL(context.Cause(ctx))
	}
	return nil
}

func (m *making) withURL(err error) error { return fmt.Errorf("%s: %w", m.url, err) }

// takeMoment decodes a keyframe. Several calls run at the same time.
func (m *making) takeMoment(ctx context.Context, moment keyframe.Moment) {
	s, primaries := shot{moment: moment}, 0
	if moment.Err == nil {
		primaries = m.options.Output.Primaries(moment.Frame.Info)
		var err error
		if s.picture, err = m.decodeFrame(ctx, moment.Frame); err != nil {
			s.moment.Err = m.withURL(err)
		}
		s.moment.Frame = nil
	}

	m.mu.Lock()
	defer m.mu.Unlock()
	if s.moment.Err == nil {
		m.shots, m.primaries = append(m.shots, s), primaries
	} else { // it is unknown how many different keyframes are missing
		for _, i := range moment.Times {
			m.shots = append(m.shots, shot{moment: keyframe.Moment{Times: []int{i}, Err: s.moment.Err}})
		}
	}
	m.done += len(moment.Times)
	if m.options.Progress != nil {
		m.options.Progress(m.done, len(m.stretches))
	}
}

func (m *making) decodeFrame(ctx context.Context, f *keyframe.Frame) (*pixels, error) {
	o := m.options.Output
	p := &pixels{}
	if p.width, p.height = o.Size(f.Info); p.width == 0 {
		return nil, fmt.Errorf("%w: a picture of unknown size", keyframe.ErrCorrupt)
	}
	if _, _, err := layOutTiles(len(m.stretches), m.options.Columns, p.width, p.height); err != nil {
		m.cancel(err) // before the rest is fetched
		return nil, err
	}

	var rgb bytes.Buffer
	if err := m.pool.Decode(ctx, &rgb, f, o); err != nil {
		if errors.Is(err, decode.ErrCrop) {
			m.cancel(err) // the other pictures lack that part as well
		}
		return nil, err
	}
	if p.rgb = rgb.Bytes(); len(p.rgb) != 3*p.width*p.height {
		return nil, fmt.Errorf("%w: %d bytes are not a picture of %dx%d", keyframe.ErrCorrupt, len(p.rgb), p.width, p.height)
	}
	return p, nil
}

// finishSheet lays out the pictures.
func (m *making) finishSheet(s *Sheet) error {
	m.sortShots()
	var pictures []*pixels
	for _, shot := range m.shots {
		t := Tile{
			From: m.stretches[shot.moment.Times[0]].from, To: m.stretches[slices.Max(shot.moment.Times)].to,
			At: shot.moment.At, Err: shot.moment.Err,
		}
		if n := len(s.Tiles); n > 0 && t.Err == nil && s.Tiles[n-1].Err == nil && s.Tiles[n-1].At == t.At {
			s.Tiles[n-1].To = t.To // a segment without a keyframe has that of the one before
			continue
		} else if n > 0 && s.Tiles[n-1].Err == nil && errors.Is(t.Err, fetch.ErrBudget) {
			s.Tiles[n-1].To, s.Thinned = t.To, true
			continue
		}
		s.Tiles, pictures = append(s.Tiles, t), append(pictures, shot.picture)
	}
	if !slices.ContainsFunc(pictures, func(p *pixels) bool { return p != nil }) {
		return s.Tiles[0].Err
	}

	height := 0
	for _, p := range pictures {
		if p != nil {
			height = max(height, p.height)
		}
	}
	size, rects, err := layOutTiles(len(s.Tiles), m.options.Columns, m.options.Width, height)
	if err != nil {
		return err
	}
	for i := range s.Tiles {
		s.Tiles[i].Rect = rects[i]
	}
	s.Image = paintTiles(size, rects, pictures)
	s.Primaries = m.primaries
	if m.options.Times {
		return s.drawTimes()
	}
	return nil
}

func (m *making) sortShots() {
	slices.SortFunc(m.shots, func(a, b shot) int { return cmp.Compare(a.moment.Times[0], b.moment.Times[0]) })
}

// Missing returns an error that says which tiles are empty, nil if none is. It wraps the
// error of the first one.
func (s *Sheet) Missing() error {
	var first *Tile
	empty := 0
	for i := range s.Tiles {
		if s.Tiles[i].Err != nil {
			if empty++; first == nil {
				first = &s.Tiles[i]
			}
		}
	}

	if first == nil {
		return nil
	}
	return fmt.Errorf("%d of %d tiles are empty, the first at %s: %w", empty, len(s.Tiles), formatClock(first.From), first.Err)
}

// Encode writes the picture as JPEG or PNG. For JPEG, quality goes from 1 to 100; 0 means
// 90. For other formats the error wraps kfgrab.ErrUsage.
func (s *Sheet) Encode(w io.Writer, f decode.Format, quality int) error {
	switch f {
	case decode.JPEG:
		if quality == 0 {
			quality = 90
		}
		return jpeg.Encode(w, s.Image, &jpeg.Options{Quality: quality})
	case decode.PNG:
		return png.Encode(w, s.Image)
	}
	return fmt.Errorf("%w: a sheet is saved as jpeg or png, not %v", kfgrab.ErrUsage, f)
}
