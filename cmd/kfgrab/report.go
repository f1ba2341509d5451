package main

import (
	"encoding/json"
	"io"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
	"github.com/kfgrab/kfgrab/rtsp"
)

// report is the output of --json and --format json: the result and its cost. Names are
// those of ffprobe, if it has one.
type report struct {
	URL        string      `json:"url"`
	Codec      string      `json:"codec_name"`
	Profile    string      `json:"profile"`
	Level      int         `json:"level"`
	Width      int         `json:"width"`
	Height     int         `json:"height"`
	SAR        string      `json:"sample_aspect_ratio,omitempty"`
	HDR        string      `json:"hdr,omitempty"`         // transfer characteristics, as ffprobe names them
	ToneMapped *bool       `json:"tone_mapped,omitempty"` // only of decoded HDR
	Rotation   int         `json:"rotation,omitempty"`    // clockwise, in degrees
	Mirrored   bool        `json:"mirrored,omitempty"`
	PixFmt     string      `json:"pix_fmt"`
	Kind       string      `json:"keyframe"`
	Size       int         `json:"keyframe_bytes"`
	Skipped    int         `json:"skipped,omitempty"` // black keyframes before it
	PTS        *float64    `json:"pts_time,omitempty"`
	MediaTime  string      `json:"media_time,omitempty"`
	Age        *float64    `json:"age,omitempty"`
	Taken      string      `json:"taken"`
	Down       int64       `json:"bytes_down"`
	Up         int64       `json:"bytes_up"`
	Requests   int         `json:"requests"`
	Elapsed    float64     `json:"elapsed"`
	RTSP       *rtspReport `json:"rtsp,omitempty"`

	Output *outputReport `json:"output,omitempty"` // nil if the report itself is the output
}

// outputReport is the part of a report about what was written.
type outputReport struct {
	Format string `json:"format"`
	Width  int    `json:"width,omitempty"` // of each picture, in pixels
	Height int    `json:"height,omitempty"`
	Frames int    `json:"frames,omitempty"` // only of a session
	Bytes  int64  `json:"bytes"`
	File   string `json:"file,omitempty"` // "" for standard output
}

// newOutputReport reports a picture that was written to out.
func newOutputReport(f format, o decode.Output, i keyframe.Info, out *output) *outputReport {
	r := &outputReport{Format: f.String(), Bytes: out.bytes, File: out.path}
	switch {
	case f.Decoded():
		r.Width, r.Height = o.Size(i)
	case f.accessUnit():
		r.Width, r.Height = i.Width, i.Height
	}
	return r
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

// rtspReport is the part of a report that RTSP streams have.
type rtspReport struct {
	Transport  string  `json:"transport"`
	RoundTrips int     `json:"round_trips"`
	Reused     string  `json:"reused,omitempty"`
	Wait       float64 `json:"wait"` // from the answer to PLAY to the end of the keyframe
	Packets    int     `json:"packets"`
	Bytes      int64   `json:"packet_bytes"`
	Lost       int     `json:"packets_lost"`
	Damaged    int     `json:"keyframes_damaged"`
	Requested  int     `json:"keyframes_requested"`
}

// newRTSPReport returns nil for other streams.
func newRTSPReport(s *rtsp.Stats) *rtspReport {
	if s == nil {
		return nil
	}
	return &rtspReport{
		Transport: s.Transport.String(), RoundTrips: s.RoundTrips, Reused: s.Reused, Wait: seconds(s.Wait),
		Packets: s.Packets, Bytes: s.Bytes, Lost: s.Lost, Damaged: s.Damaged, Requested: s.Requested,
	}
}
