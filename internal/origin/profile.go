package origin

import (
	"fmt"
	"strings"
	"time"
)

// frameRate is that of all streams, in frames per second.
const frameRate = 25

// Profile is what ffmpeg encodes.
type Profile struct {
	Renditions []Rendition   // the best first
	Segment    time.Duration // of whole seconds, a multiple of GOP
	GOP        time.Duration // of whole seconds
	Segments   int           // of a loop, after which the pictures begin again
}

// Rendition is one rung of the ladder. Its sound is AAC, muxed.
type Rendition struct {
	Name          string // in URLs and file names
	Width, Height int    // in pixels
	Bitrate       int    // of the pictures, in bits per second
}

// Full is a broadcaster's ladder: 1080p, 720p and 360p in segments of 6 s.
func Full() Profile {
	return Profile{
		Renditions: []Rendition{
			{"1080p", 1920, 1080, 5_000_000},
			{"720p", 1280, 720, 2_500_000},
			{"360p", 640, 360, 800_000},
		},
		Segment: 6 * time.Second, GOP: 2 * time.Second, Segments: 2,
	}
}

// Small is a ladder for tests that takes a second or two to encode: 360p, 240p and 144p in segments
// of 2 s.
func Small() Profile {
	return Profile{
		Renditions: []Rendition{
			{"360p", 640, 360, 800_000},
			{"240p", 426, 240, 400_000},
			{"144p", 256, 144, 150_000},
		},
		Segment: 2 * time.Second, GOP: time.Second, Segments: 4,
	}
}

// rtspLoop is the length of the loop of the RTSP streams.
func (p Profile) rtspLoop() time.Duration { return min(2*p.GOP, p.length()) }

func (p Profile) length() time.Duration { return time.Duration(p.Segments) * p.Segment }

// rtspRendition is the rendition whose size the RTSP streams have. It is the second: encoding H.265
// at 1080p would take longer than everything else together.
func (p Profile) rtspRendition() Rendition { return p.Renditions[min(1, len(p.Renditions)-1)] }

// The files that encodeArgs writes for the RTSP streams. They have access unit delimiters, at which
// parseUnits splits them.
const (
	file264 = "live.264"
	file265 = "live.265"
)

// clock draws the time into the pictures. The clock of the test pattern is too small to read after
// scaling.
const clock = `,drawtext=text='%{pts\:hms}  %{n}':fontsize=h/8:x=(w-tw)/2:y=h*0.75:fontcolor=white:box=1:boxcolor=black@0.6`

// encodeArgs returns ffmpeg's arguments to encode every rendition into NAME.mp4, and the RTSP
// streams. One filter graph draws the test pattern once for all.
func (p Profile) encodeArgs(withClock bool) []string {
	args := strings.Fields(fmt.Sprintf(
		"-f lavfi -i testsrc2=size=%dx%d:rate=%d:duration=%d -f lavfi -i sine=frequency=440:sample_rate=48000:duration=%d",
		p.Renditions[0].Width, p.Renditions[0].Height, frameRate, wholeSeconds(p.length()), wholeSeconds(p.length())))
	args = append(args, "-filter_complex", p.filterGraph(withClock))

	for i, r := range p.Renditions {
		args = append(args, strings.Fields(fmt.Sprintf(
			"-map [v%d] -map [a%d] %s -bf 2 -b:v %d -maxrate %d -bufsize %d -c:a aac -b:a 64k %s.mp4",
			i, i, p.x264(), r.Bitrate, r.Bitrate, r.Bitrate, r.Name))...)
	}
	r := p.rtspRendition()
	return append(args, strings.Fields(fmt.Sprintf(
		"-map [avc] -t %[1]d %[2]s -bf 0 -x264-params aud=1 -b:v %[3]d -f h264 %[4]s "+
			"-map [hevc] -t %[1]d -c:v libx265 -preset ultrafast -x265-params "+
			"log-level=error:keyint=%[5]d:min-keyint=%[5]d:scenecut=0:open-gop=0:bframes=0:aud=1:repeat-headers=1 -b:v %[3]d -f hevc %[6]s",
		wholeSeconds(p.rtspLoop()), p.x264(), r.Bitrate, file264, p.gopFrames(), file265))...)
}

// x264 returns the arguments of all H.264 encodings: closed GOPs of one length.
func (p Profile) x264() string {
	return fmt.Sprintf("-c:v libx264 -preset ultrafast -g %[1]d -keyint_min %[1]d -sc_threshold 0 -flags +cgop", p.gopFrames())
}

func (p Profile) gopFrames() int { return int(p.GOP.Seconds() * frameRate) }

// filterGraph draws the pattern once and scales it to [v0], [v1], … and, for the RTSP streams, to
// [avc] and [hevc]. The sound is [a0], [a1], ….
func (p Profile) filterGraph(withClock bool) string {
	var b strings.Builder
	// ffmpeg draws in BT.601. High definition must say so.
	b.WriteString("[0:v]format=yuv420p,setparams=colorspace=smpte170m:color_primaries=smpte170m:color_trc=smpte170m")
	if withClock {
		b.WriteString(clock)
	}
	n := len(p.Renditions)
	fmt.Fprintf(&b, ",split=%d", n+1)

	for i := range n + 1 {
		fmt.Fprintf(&b, "[s%d]", i)
	}

	for i, r := range p.Renditions {
		fmt.Fprintf(&b, ";[s%d]scale=%d:%d:flags=fast_bilinear[v%d]", i, r.Width, r.Height, i)
	}
	r := p.rtspRendition()
	fmt.Fprintf(&b, ";[s%d]scale=%d:%d:flags=fast_bilinear,split=2[avc][hevc]", n, r.Width, r.Height)
	fmt.Fprintf(&b, ";[1:a]asplit=%d", n)

	for i := range n {
		fmt.Fprintf(&b, "[a%d]", i)
	}

	return b.String()
}

// segmentArgs are ffmpeg's arguments to cut NAME.mp4 of every rendition, without
// encoding again, into the segments of both ladders.
func (p Profile) segmentArgs() []string {
	var args []string
	for _, r := range p.Renditions {
		args = append(args, "-i", r.Name+".mp4")
	}

	for i, r := range p.Renditions {
		hls := fmt.Sprintf("-map %d -c copy -f hls -hls_time %d -hls_list_size 0 -hls_playlist_type vod", i, wholeSeconds(p.Segment))
		args = append(args, strings.Fields(fmt.Sprintf(
			"%[1]s -hls_segment_filename %[2]s-%%d.ts %[2]s-ts.m3u8 "+
				"%[1]s -hls_segment_type fmp4 -hls_fmp4_init_filename %[2]s-init.mp4 -hls_segment_filename %[2]s-%%d.m4s %[2]s-fmp4.m3u8",
			hls, r.Name))...)
	}
	return args
}

func wholeSeconds(d time.Duration) int { return int(d / time.Second) }
