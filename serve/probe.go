package serve

import (
	"context"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/keyframe"
)

// probe asks the stream what renditions it has, for at most a keyframe each, and keeps
// the answer for those who look at the stream afterwards.
func (c *camera) probe(ctx context.Context) error {
	_, err := c.probes.do(ctx, struct{}{}, func(ctx context.Context) ([]kfgrab.Rendition, error) {
		leave, err := c.gate.Enter(ctx, c.host, c.failing())
		if err != nil {
			return nil, err
		}
		defer leave()
		ctx, cancel := neterror.WithTimeout(ctx, c.conf.Timeout)
		defer cancel()
		stream, err := kfgrab.Open(c.conf.URL, &c.conf.Options)
		if err != nil {
			return nil, err
		}
		defer stream.Close()
		list, err := stream.Probe(ctx)
		c.spent(stream.Spent().Down)
		if err == nil {
			c.mu.Lock()
			c.renditions = list
			c.mu.Unlock()
		}
		return list, err
	})
	return err
}

// renditionReport is what a master playlist says of a rendition, and probing.
type renditionReport struct {
	Index     int    `json:"index"`
	Bandwidth int    `json:"bandwidth,omitempty"`
	URI       string `json:"uri,omitempty"`

	Codec  string         `json:"codec_name,omitempty"`
	Width  int            `json:"width,omitempty"`
	Height int            `json:"height,omitempty"`
	Tracks []*trackReport `json:"tracks,omitempty"`
	Error  string         `json:"error,omitempty"`
}

func newRenditionReport(r kfgrab.Rendition) *renditionReport {
	report := &renditionReport{
		Index: r.Index, Bandwidth: r.Bandwidth, URI: r.URI,
		Width: r.Info.Width, Height: r.Info.Height, Tracks: newTrackReports(r.Tracks),
	}
	if r.Codec != keyframe.UnknownCodec {
		report.Codec = r.Codec.String()
	}
	if r.Err != nil {
		report.Error = neterror.OneLine(r.Err.Error())
	}
	return report
}

type trackReport struct {
	Type     string `json:"codec_type"`
	Codec    string `json:"codec_name"`
	Language string `json:"language,omitempty"`
}

func newTrackReports(tracks []keyframe.Track) (list []*trackReport) {
	for _, t := range tracks {
		list = append(list, &trackReport{t.Type, t.Codec, t.Language})
	}
	return list
}
