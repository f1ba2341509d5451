package main

import (
	"encoding/json"
	"io"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
)

// report is what --json prints and --format json writes: what was found and what
// it cost. Names are ffprobe's where it has them.
type report struct {
	URL        string      `json:"url"`
	Codec      string      `json:"codec_name"`
	Profile    string      `json:"profile"`
	Level      int         `json:"level"`
	Width      int         `json:"width"`
	Height     int         `json:"height"`
	SAR        string      `json:"sample_aspect_ratio,omitempty"`
	HDR        string      `json:"hdr,omitempty"`         // transfer characteristics, in ffprobe's word
	ToneMapped *bool       `json:"tone_mapped,omitempty"` // of HDR that was decoded
	Rotation   int         `json:"rotation,omitempty"`    // clockwise, as the picture is turned
	Mirrored   bool        `json:"mirrored,omitempty"`
	PixFmt     string      `json:"pix_fmt"`
	Kind       string      `json:"keyframe"`
	Size       int         `json:"keyframe_bytes"`
	Skipped    int         `json:"skipped,omitempty"` // black keyframes in front of it
	PTS        *float64    `json:"pts_time,omitempty"`
	MediaTime  string      `json:"media_time,omitempty"`
	Age        *float64    `json:"age,omitempty"`
	Taken      string      `json:"taken"`
	Down       int64       `json:"bytes_down"`
	Up         int64       `json:"bytes_up"`
	Requests   int         `json:"requests"`
	Elapsed    float64     `json:"elapsed"`
	RTSP       *rtspReport `json:"rtsp,omitempty"`
	Format     string      `json:"format,omitempty"`
	File       string      `json:"file,omitempty"`
}

func newReport(s *kfgrab.Snapshot) *report {
	i := s.Frame.Info
	r := &report{
		URL: s.URL, Codec: s.Frame.Codec.String(), Profile: i.Profile, Level: i.LevelIDC,
		Width: i.Width, Height: i.Height, SAR: ratio(i.SARNum, i.SARDen), PixFmt: i.PixFmt(),
		Rotation: i.Rotation, Mirrored: i.Mirrored,
		Kind: s.Frame.Kind.String(), Size: len(s.Frame.Data),
		Taken: units.FormatTimestamp(s.Taken),
		Down:  s.Cost.Down, Up: s.Cost.Up, Requests: s.Cost.Requests, Elapsed: seconds(s.Cost.Elapsed),
		RTSP: newRTSPReport(s.RTSP),
	}
	if i.HDR() {
		_, r.HDR, _ = i.ColourNames()
	}
	if s.Frame.PTS != keyframe.NoPTS {
		r.PTS = new(seconds(s.Frame.PTS))
	}
	if !s.MediaTime.IsZero() {
		r.MediaTime = units.FormatTimestamp(s.MediaTime)
		r.Age = new(seconds(s.Taken.Sub(s.MediaTime)))
	}
	return r
}

func newTakenReport(t *picture.Taken) *report {
	r := newReport(t.Snapshot)
	r.Skipped = t.Skipped
	return r
}

func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

// writeJSON writes a report on one line, or indented on several.
func writeJSON(w io.Writer, report any, indent string) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	return e.Encode(report)
}
