package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/keyframe"
)

func newProbeCommand(std *streams, source *sourceFlags) *cobra.Command {
	source.refused = []string{"at", "edge"}
	cmd := &cobra.Command{
		Use:   "probe URL",
		Short: "Print what a stream contains, as JSON with ffprobe's names",
		Long: `probe prints the video and audio of every rendition of a stream as JSON, with the names of
ffprobe -show_streams -print_format json. It fetches at most one keyframe per rendition, and
none of fMP4. It needs no ffmpeg.`,
		Args: oneURL,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := source.refuseFlags(cmd.Flags(), "is for one keyframe; probe looks at the whole stream"); err != nil {
				return err
			}
			rawURL, err := source.resolveAddress(args[0])
			if err != nil {
				return err
			}
			opts, err := source.streamOptions(std)
			if err != nil {
				return err
			}
			stdin, err := openStdin(rawURL, std.in)
			if err != nil {
				return err
			}
			defer stdin.Close()
			opts.Stdin = stdin
			ctx, cancel := source.withTimeout(cmd.Context())
			defer cancel()
			stream, err := kfgrab.Open(rawURL, opts)
			if err != nil {
				return err
			}
			defer stream.Close()
			renditions, err := stream.Probe(ctx)
			if err != nil {
				return err
			}
			return writeJSON(&output{out: std.out}, newProbeReport(renditions), "    ")
		},
	}
	source.addAddressFlags(cmd.Flags())
	return cmd
}

// probeReport is the document; programs is what ffprobe calls the renditions of a
// master playlist.
type probeReport struct {
	Programs []probeProgram `json:"programs,omitempty"`
	Streams  []probeStream  `json:"streams"`
}

type probeProgram struct {
	ID      int               `json:"program_id"`
	Tags    map[string]string `json:"tags,omitempty"`
	Streams []int             `json:"streams"` // indices
	Error   string            `json:"error,omitempty"`
}

// probeStream has ffprobe's fields, those of video or those of audio.
type probeStream struct {
	Index     int    `json:"index"`
	CodecName string `json:"codec_name"`
	Profile   string `json:"profile,omitempty"`
	CodecType string `json:"codec_type"`

	Width              int    `json:"width,omitempty"`
	Height             int    `json:"height,omitempty"`
	CodedWidth         int    `json:"coded_width,omitempty"`
	CodedHeight        int    `json:"coded_height,omitempty"`
	SampleAspectRatio  string `json:"sample_aspect_ratio,omitempty"`
	DisplayAspectRatio string `json:"display_aspect_ratio,omitempty"`
	PixFmt             string `json:"pix_fmt,omitempty"`
	Level              int    `json:"level,omitempty"`
	ColorRange         string `json:"color_range,omitempty"`
	ColorSpace         string `json:"color_space,omitempty"`
	ColorTransfer      string `json:"color_transfer,omitempty"`
	ColorPrimaries     string `json:"color_primaries,omitempty"`
	FieldOrder         string `json:"field_order,omitempty"`

	SideData []probeSideData `json:"side_data_list,omitempty"`

	SampleRate string `json:"sample_rate,omitempty"`
	Channels   int    `json:"channels,omitempty"`

	ID         string            `json:"id,omitempty"`
	RFrameRate string            `json:"r_frame_rate,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
}

// probeSideData is of the picture's orientation. ffprobe counts anticlockwise.
type probeSideData struct {
	Type     string `json:"side_data_type"`
	Rotation int    `json:"rotation"`
}

func newProbeReport(renditions []kfgrab.Rendition) *probeReport {
	report := &probeReport{Streams: []probeStream{}}
	for _, r := range renditions {
		program := probeProgram{ID: r.Index, Tags: r.Attributes()}
		if r.Err != nil {
			program.Error = neterror.OneLine(r.Err.Error())
		}
		for _, s := range streamsOf(r) {
			s.Index = len(report.Streams)
			program.Streams = append(program.Streams, s.Index)
			report.Streams = append(report.Streams, s)
		}
		if r.Bandwidth > 0 {
			report.Programs = append(report.Programs, program)
		}
	}

	return report
}

// streamsOf lists the elementary streams of a rendition, the video with what its
// parameter sets tell.
func streamsOf(r kfgrab.Rendition) (list []probeStream) {
	described := false
	for _, t := range r.Tracks {
		s := probeStream{CodecName: t.Codec, CodecType: t.Type, Channels: t.Channels}
		if t.ID != 0 {
			s.ID = fmt.Sprintf("0x%x", t.ID)
		}
		if t.Language != "" {
			s.Tags = map[string]string{"language": t.Language}
		}
		if t.SampleRate > 0 {
			s.SampleRate = fmt.Sprint(t.SampleRate)
		}
		if t.Type == "video" && t.Codec == r.Codec.String() && !described {
			s.describe(r.Info)
			described = true
		}
		list = append(list, s)
	}
	if !described && r.Codec != keyframe.UnknownCodec {
		s := probeStream{CodecName: r.Codec.String(), CodecType: "video"}
		s.describe(r.Info)
		list = append([]probeStream{s}, list...)
	}

	return list
}

func (s *probeStream) describe(i keyframe.Info) {
	if i.Width == 0 {
		return
	}
	s.Profile, s.Level, s.PixFmt = i.Profile, i.LevelIDC, i.PixFmt()
	s.Width, s.Height = i.Width, i.Height
	s.CodedWidth, s.CodedHeight = i.CodedWidth, i.CodedHeight
	s.SampleAspectRatio = ratio(i.SARNum, i.SARDen)
	if i.SARNum > 0 {
		num, den := int64(i.Width)*int64(i.SARNum), int64(i.Height)*int64(i.SARDen)
		g := gcd(num, den)
		s.DisplayAspectRatio = fmt.Sprintf("%d:%d", num/g, den/g)
	}
	s.ColorSpace, s.ColorTransfer, s.ColorPrimaries = i.ColourNames()

	switch {
	case i.FullRange:
		s.ColorRange = "pc"
	case s.ColorSpace != "" || s.ColorTransfer != "" || s.ColorPrimaries != "":
		s.ColorRange = "tv"
	}
	if !i.Interlaced {
		s.FieldOrder = "progressive"
	}
	if i.Rotation != 0 || i.Mirrored {
		rotation := -i.Rotation
		if rotation <= -180 {
			rotation += 360
		}
		s.SideData = []probeSideData{{"Display Matrix", rotation}}
	}
	if i.FrameRateNum > 0 {
		s.RFrameRate = fmt.Sprintf("%d/%d", i.FrameRateNum, i.FrameRateDen)
	}
}

func ratio(num, den int) string {
	if num == 0 || den == 0 {
		return ""
	}
	return fmt.Sprintf("%d:%d", num, den)
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
