package kfgrab

import (
	"context"
	"errors"
	"io"
	"net/url"
	"path"
	"strings"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/file"
	"github.com/kfgrab/kfgrab/internal/hlssource"
	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/keyframe"
)

// webSource is what is at an http or https URL: HLS or a media file, which the
// first grab finds out.
type webSource struct {
	url    *url.URL
	client *fetch.Client
	files  *file.Options
	lists  *hlssource.Options
	inner  tracker
}

func newWebSource(u *url.URL, opt *Options, files *file.Options, m *meter.Counter) *webSource {
	client := fetch.New(u, &fetch.Options{
		Header: opt.Header, HeadersEverywhere: opt.HeadersEverywhere, UserAgent: opt.UserAgent,
		InsecureTLS: opt.InsecureTLS, RootCAs: opt.RootCAs, TLSFingerprint: opt.TLSFingerprint,
		DialContext: opt.DialContext, MaxBytes: opt.MaxBytes, Meter: m, Logger: opt.Logger,
	})
	return &webSource{
		url: u, client: client, files: files,
		lists: &hlssource.Options{
			PickOptions: hls.PickOptions{
				Width: opt.Width, Height: opt.Height, MaxBandwidth: opt.MaxBandwidth,
				Rendition: opt.Rendition, Codec: opt.Codec,
			},
			Edge: opt.Edge, IfNewer: opt.IfNewer, At: opt.At, AllowTiles: opt.AllowTiles, Program: opt.Program, OnCodec: opt.OnCodec, Logger: opt.Logger,
		},
	}
}

func (w *webSource) Keyframe(ctx context.Context) (*keyframe.Frame, error) {
	w.client.StartJob()
	if err := w.recognise(ctx); err != nil {
		return nil, err
	}
	return w.inner.Keyframe(ctx)
}

// recognise decides by the content. A name that ends like a playlist's is asked
// for as a whole at once, which lets the server compress it; the content decides
// there too.
func (w *webSource) recognise(ctx context.Context) error {
	if w.inner != nil {
		return nil
	}
	switch strings.ToLower(path.Ext(w.url.Path)) {
	case ".m3u8", ".m3u":
		w.inner = hlssource.New(w.client, w.url, w.lists)
		return nil
	}
	r := w.client.Open(ctx, w.url, file.FirstRange)
	head, err := r.Peek(file.SniffSize)
	if err != nil && !errors.Is(err, io.EOF) {
		r.Close()
		return err
	}
	if file.Sniff(head, err != nil) != file.Playlist {
		w.inner = file.OpenResource(w.client, w.url, r, w.files)
		return nil
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	lists := *w.lists
	lists.Playlist = &fetch.Document{URL: r.URL(), Body: body}
	w.inner = hlssource.New(w.client, w.url, &lists)
	return nil
}

func (w *webSource) Tracks() []keyframe.Track {
	if w.inner == nil {
		return nil
	}
	return w.inner.Tracks()
}

// segmentSize is that of hlssource.Source, where the stream is one.
func (w *webSource) segmentSize() int64 {
	if lists, ok := w.inner.(*hlssource.Source); ok {
		return lists.SegmentSize()
	}
	return 0
}

func (w *webSource) Close() error {
	if w.inner != nil {
		w.inner.Close()
	}
	w.client.Close()
	return nil
}
