package main

import (
	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/session"
)

// sessionReport is the output of session --json. Width, height and pix_fmt are the
// stream's, as in report.
type sessionReport struct {
	URL         string    `json:"url"`
	Codec       string    `json:"codec_name"`
	Width       int       `json:"width"`
	Height      int       `json:"height"`
	PixFmt      string    `json:"pix_fmt"`
	Times       []float64 `json:"pts_time"`
	KeyframeAge float64   `json:"keyframe_age"`
	Connected   string    `json:"connected_since,omitempty"`
	Connections int       `json:"connections"`
	Pictures    int64     `json:"pictures"`
	Keyframes   int64     `json:"keyframes"`
	Dropped     int64     `json:"dropped"`
	Gaps        int64     `json:"gaps"`
	Down        int64     `json:"bytes_down"`
	Kept        int       `json:"kept"`
	KeptBytes   int64     `json:"kept_bytes"`
	KeptFor     float64   `json:"kept_for"`

	Output *outputReport `json:"output"`
}

func newSessionReport(c *session.Clip, newest *kfgrab.Snapshot, st session.State) *sessionReport {
	i := newest.Frame.Info
	r := &sessionReport{
		URL: newest.URL, Codec: newest.Frame.Codec.String(), Width: i.Width, Height: i.Height, PixFmt: i.PixFmt(),
		KeyframeAge: seconds(c.KeyframeAge),
		Connections: st.Connections, Pictures: st.Pictures, Keyframes: st.Keyframes, Dropped: st.Dropped, Gaps: st.Gaps,
		Down: st.Down, Kept: st.Kept, KeptBytes: st.KeptBytes, KeptFor: seconds(st.KeptFor),
	}
	if st.Connected {
		r.Connected = units.FormatTimestamp(st.Since)
	}

	for _, t := range c.Times {
		r.Times = append(r.Times, seconds(t))
	}
	return r
}
