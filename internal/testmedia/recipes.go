package testmedia

import (
	"strconv"
	"strings"
)

// recipes are the test streams by name. All use testsrc2, in which every picture differs
// from its neighbours, so that tests notice a wrong picture.
var recipes = map[string]recipe{
	// MPEG-TS, single rendition, 1 s GOPs.
	"h264.ts":       av("640x360", 25, 4, "-c:v libx264 -preset veryfast -g 25 -bf 2 -sc_threshold 0 -c:a aac -f mpegts", "h264.ts"),
	"h264-audio.ts": audioOnly("-c:a aac -f mpegts", "audio.ts"),
	"h265.ts":       av("640x360", 25, 3, "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=25:min-keyint=25 -c:a aac -f mpegts", "h265.ts"),
	"open-gop.ts":   video("640x360", 25, 4, "-c:v libx264 -preset veryfast -bf 3 -x264-params open-gop=1:keyint=25:min-keyint=25:scenecut=0 -f mpegts", "open.ts"),
	"interlaced.ts": video("720x576", 25, 3, "-vf setsar=16/11,format=yuv420p -c:v libx264 -preset veryfast -flags +ildct+ilme -x264-params tff=1:keyint=25:scenecut=0 -f mpegts", "interlaced.ts"),
	"slices.ts":     video("640x360", 25, 3, "-c:v libx264 -preset veryfast -x264-params slices=8:keyint=25:scenecut=0:bframes=2 -f mpegts", "slices.ts"),
	"intra-refresh.ts": video("640x360", 25, 6,
		"-c:v libx264 -preset veryfast -x264-params intra-refresh=1:keyint=25:bframes=0:scenecut=0 -f mpegts", "refresh.ts"),
	"1080p.ts": av("1920x1080", 25, 6, "-c:v libx264 -preset veryfast -b:v 5M -maxrate 5M -bufsize 5M -g 50 -bf 2 -sc_threshold 0 -c:a aac -f mpegts", "1080p.ts"),

	"noise4mb.ts":     noiseVideo("1920x1080", 2, "-c:v libx264 -preset ultrafast -qp 4 -g 2 -f mpegts", "noise4mb.ts"),
	"two-programs.ts": twoPictures("-map 0 -map 1 -c:v libx264 -preset veryfast -g 25 -program program_num=1:st=0 -program program_num=2:st=1 -f mpegts", "programs.ts"),
	"5mbit.ts":        av("640x360", 25, 60, "-vf noise=alls=30:allf=t,format=yuv420p -c:v libx264 -preset ultrafast -b:v 4850k -maxrate 4850k -bufsize 4850k -g 50 -bf 2 -sc_threshold 0 -c:a aac -f mpegts", "5mbit.ts"),
	"long-gop.ts":     video("640x360", 25, 24, "-vf noise=alls=30:allf=t,format=yuv420p -c:v libx264 -preset ultrafast -b:v 4M -maxrate 4M -bufsize 4M -g 1000 -force_key_frames 2 -sc_threshold 0 -f mpegts", "long-gop.ts"),
	"5mbit.mp4":       av("640x360", 25, 60, "-vf noise=alls=30:allf=t,format=yuv420p -c:v libx264 -preset ultrafast -b:v 4850k -maxrate 4850k -bufsize 4850k -g 50 -bf 2 -sc_threshold 0 -c:a aac", "5mbit.mp4"),
	// The clock, of 33 bits at 90 kHz, wraps 2.3 s after the start.
	"wrap.ts": av("640x360", 25, 8, "-vf noise=alls=30:allf=t,format=yuv420p -c:v libx264 -preset ultrafast -b:v 2M -g 25 -bf 2 -sc_threshold 0 -c:a aac -f mpegts -output_ts_offset 95440", "wrap.ts"),

	// MP4: index in front, index at the end, fragmented.
	"faststart.mp4":     av("640x360", 25, 4, "-c:v libx264 -preset veryfast -g 25 -bf 2 -sc_threshold 0 -c:a aac -movflags +faststart", "faststart.mp4"),
	"moov-last.mp4":     av("640x360", 25, 4, "-c:v libx264 -preset veryfast -g 25 -bf 2 -sc_threshold 0 -c:a aac", "moov-last.mp4"),
	"fragmented.mp4":    av("640x360", 25, 4, "-c:v libx264 -preset veryfast -g 25 -bf 2 -sc_threshold 0 -c:a aac -movflags +frag_keyframe+empty_moov+default_base_moof", "fragmented.mp4"),
	"h265.mp4":          av("640x360", 25, 3, "-c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params log-level=error:keyint=25:min-keyint=25 -c:a aac -movflags +faststart", "h265.mp4"),
	"anamorphic.mp4":    video("720x576", 25, 2, "-vf setsar=16/11 -c:v libx264 -preset veryfast -g 25 -movflags +faststart", "anamorphic.mp4"),
	"cmaf-chunks.mp4":   video("640x360", 25, 4, "-c:v libx264 -preset veryfast -g 25 -bf 0 -sc_threshold 0 -movflags +frag_every_frame+empty_moov+default_base_moof", "chunks.mp4"),
	"dash-sidx.mp4":     av("640x360", 25, 10, "-c:v libx264 -preset veryfast -g 25 -bf 2 -sc_threshold 0 -c:a aac -movflags +frag_keyframe+dash+global_sidx", "sidx.mp4"),
	"negative-cts.mp4":  video("640x360", 25, 4, "-c:v libx264 -preset veryfast -g 25 -bf 2 -sc_threshold 0 -movflags +frag_keyframe+empty_moov+default_base_moof+negative_cts_offsets", "negative.mp4"),
	"separate-moof.mp4": av("640x360", 25, 4, "-c:v libx264 -preset veryfast -g 25 -bf 2 -sc_threshold 0 -c:a aac -movflags +frag_keyframe+empty_moov+separate_moof", "separate.mp4"),
	"omit-offset.mp4":   av("640x360", 25, 4, "-c:v libx264 -preset veryfast -g 25 -bf 2 -sc_threshold 0 -c:a aac -movflags +frag_keyframe+empty_moov+omit_tfhd_offset", "omit.mp4"),
	"base-offset.mp4":   av("640x360", 25, 4, "-c:v libx264 -preset veryfast -g 25 -bf 2 -sc_threshold 0 -c:a aac -movflags +frag_keyframe+empty_moov", "base.mp4"),
	"hybrid.mp4":        video("640x360", 25, 4, "-c:v libx264 -preset veryfast -g 25 -bf 2 -sc_threshold 0 -movflags +frag_keyframe", "hybrid.mp4"),
	"refresh.mp4":       video("640x360", 25, 6, "-c:v libx264 -preset veryfast -x264-params intra-refresh=1:keyint=25:bframes=0:scenecut=0", "refresh.mp4"),
	"audio.mp4":         audioOnly("-c:a aac -metadata:s:a:0 language=deu", "audio.mp4"),

	// Annex B byte streams.
	"h264.264":        video("640x360", 25, 3, "-c:v libx264 -preset veryfast -g 25 -bf 2 -sc_threshold 0 -f h264", "h264.264"),
	"h265.265":        video("640x360", 25, 3, "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=25:min-keyint=25 -f hevc", "h265.265"),
	"sliced.264":      video("640x360", 25, 2, "-c:v libx264 -preset veryfast -x264-params slices=6:keyint=25:scenecut=0 -f h264", "sliced.264"),
	"many-slices.264": video("640x360", 25, 1, "-c:v libx264 -preset veryfast -x264-params slice-max-mbs=8:keyint=25:scenecut=0 -f h264", "many-slices.264"),
	"cavlc.264":       video("640x360", 25, 3, "-c:v libx264 -preset veryfast -x264-params cabac=0:keyint=25:scenecut=0 -f h264", "cavlc.264"),
	"sliced.265":      video("640x360", 25, 2, "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=25:min-keyint=25:slices=4 -f hevc", "sliced.265"),
	"sar43.264":       video("640x360", 25, 1, "-vf setsar=4/3 -c:v libx264 -preset veryfast -g 25 -f h264", "sar43.264"),
	"10bit.265":       video("640x360", 25, 1, "-pix_fmt yuv420p10le -c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=25 -f hevc", "10bit.265"),
	"10bit.264":       video("640x360", 25, 1, "-pix_fmt yuv420p10le -c:v libx264 -preset veryfast -g 25 -f h264", "10bit.264"),
	"1080p.264":       video("1920x1080", 25, 1, "-c:v libx264 -preset veryfast -b:v 5M -g 25 -f h264", "1080p.264"),
	"noise4mb.264":    noiseVideo("1920x1080", 2, "-c:v libx264 -preset ultrafast -qp 4 -g 2 -f h264", "noise4mb.264"),
	"open-gop.264":    video("640x360", 25, 4, "-c:v libx264 -preset veryfast -bf 3 -x264-params open-gop=1:keyint=25:min-keyint=25:scenecut=0 -f h264", "open.264"),
	"refresh.264":     video("640x360", 25, 6, "-c:v libx264 -preset veryfast -x264-params intra-refresh=1:keyint=25:bframes=0:scenecut=0 -f h264", "refresh.264"),
	"mpeg2video.ts":   video("640x360", 25, 1, "-c:v mpeg2video -f mpegts", "mpeg2.ts"),
	"cra.265":         video("640x360", 25, 4, "-c:v libx265 -preset ultrafast -x265-params log-level=error:open-gop=1:keyint=25:min-keyint=25:bframes=3 -f hevc", "cra.265"),
	"no-wpp.265":      video("640x360", 25, 1, "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=25:wpp=0 -f hevc", "no-wpp.265"),
	"1080p.265":       video("1920x1080", 25, 1, "-c:v libx265 -preset ultrafast -b:v 5M -x265-params log-level=error:keyint=25 -f hevc", "1080p.265"),
	"2160p.265":       video("3840x2160", 5, 1, "-pix_fmt yuv420p10le -c:v libx265 -preset ultrafast -b:v 12M -x265-params log-level=error:keyint=5 -f hevc", "2160p.265"),
	"422.264":         video("640x360", 25, 1, "-pix_fmt yuv422p -c:v libx264 -preset veryfast -g 25 -f h264", "422.264"),
	"422-10bit.264":   video("640x360", 25, 1, "-pix_fmt yuv422p10le -c:v libx264 -preset veryfast -g 25 -f h264", "422.264"),
	"422-10bit.265":   video("640x360", 25, 1, "-pix_fmt yuv422p10le -c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=25 -f hevc", "422.265"),
	"444-10bit.264":   video("640x360", 25, 1, "-pix_fmt yuv444p10le -c:v libx264 -preset veryfast -g 25 -f h264", "444.264"),
	"444.265":         video("640x360", 25, 1, "-pix_fmt yuv444p -c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=25 -f hevc", "444.265"),
	"three-444.264":   video("640x360", 25, 3, "-pix_fmt yuv444p -c:v libx264 -preset veryfast -x264-params keyint=25:scenecut=0 -f h264", "444.264"),
	"444.264":         video("640x360", 25, 1, "-pix_fmt yuv444p -c:v libx264 -preset veryfast -g 25 -f h264", "444.264"),
	// The stream asks for a clockwise turn.
	"turned.264":     video("640x360", 25, 1, "-c:v libx264 -preset veryfast -g 25 -bsf:v h264_metadata=display_orientation=insert:rotate=270 -f h264", "turned.264"),
	"cropped.264":    video("640x360", 25, 1, "-c:v libx264 -preset veryfast -g 25 -x264-params crop-rect=18,6,34,2 -f h264", "cropped.264"),
	"grey.264":       video("640x360", 25, 1, "-pix_fmt gray -c:v libx264 -preset veryfast -g 25 -f h264", "grey.264"),
	"bt601.264":      colourRamps("smpte170m", "tv"),
	"tiny.264":       video("32x32", 25, 1, "-c:v libx264 -preset veryfast -qp 51 -g 5 -bf 0 -f h264", "tiny.264"),
	"numbered.264":   video("64x48", 25, 1, "-c:v libx264 -preset veryfast -g 5 -bf 0 -x264-params sps-id=5 -f h264", "numbered.264"), // its parameter sets
	"bt709.264":      colourRamps("bt709", "tv"),
	"bt709-full.264": colourRamps("bt709", "pc"),
	// testsrc2 of BT.709 within a larger gamut: white is 203 cd/m². unnamed.265 does not
	// signal primaries and matrix.
	"pq.265":       gradedVideo("smpte2084", "bt2020", "-x265-params log-level=error:qp=8:keyint=5:transfer=smpte2084:colorprim=bt2020:colormatrix=bt2020nc"),
	"hlg.265":      gradedVideo("arib-std-b67", "bt2020", "-x265-params log-level=error:qp=8:keyint=5:transfer=arib-std-b67:colorprim=bt2020:colormatrix=bt2020nc"),
	"unnamed.265":  gradedVideo("smpte2084", "bt2020", "-x265-params log-level=error:qp=8:keyint=5:transfer=smpte2084"),
	"bt2020.265":   gradedVideo("bt709", "bt2020", "-x265-params log-level=error:qp=8:keyint=5:transfer=bt709:colorprim=bt2020:colormatrix=bt2020nc"),
	"testsrc2.rgb": video("640x360", 25, 1, "-frames:v 5 -pix_fmt rgb24 -f rawvideo", "testsrc2.rgb"),
	// These do not signal their colours.
	"bare-sd.264":       untaggedRamps("320x240", "smpte170m", "tv", "-c:v libx264 -preset veryfast -f h264"),
	"bare-small-hd.264": untaggedRamps("320x240", "bt709", "tv", "-c:v libx264 -preset veryfast -f h264"),
	"bare-full.264":     untaggedRamps("320x240", "smpte170m", "pc", "-c:v libx264 -preset veryfast -f h264"),
	"bare-hd.264":       untaggedRamps("1280x720", "bt709", "tv", "-c:v libx264 -preset veryfast -f h264"),
	"bare-hd.265":       untaggedRamps("1280x720", "bt709", "tv", "-c:v libx265 -preset ultrafast -x265-params log-level=error -f hevc"),

	// Two fields of different moments, 50 per second: the first is from a frame of
	// moving.rgb. In fields.265 each field is a picture. woven.265 does not signal fields.
	"moving.rgb":    movingVideo("null", "-vframes 2 -pix_fmt rgb24 -f rawvideo", "moving.rgb"),
	"tff.264":       movingVideo("tinterlace=interleave_top,fieldorder=tff", "-c:v libx264 -qp 10 -g 5 -bf 0 -flags +ildct+ilme -x264-params tff=1 -f h264", "tff.264"),
	"bff.264":       movingVideo("tinterlace=interleave_bottom,fieldorder=bff", "-c:v libx264 -qp 10 -g 5 -bf 0 -flags +ildct+ilme -x264-params bff=1 -f h264", "bff.264"),
	"fields.265":    movingVideo("tinterlace=interleave_top,setfield=tff,separatefields", "-c:v libx265 -preset ultrafast -x265-params log-level=error:interlace=tff:qp=10:keyint=10 -f hevc", "fields.265"),
	"woven.265":     movingVideo("tinterlace=interleave_top,setfield=prog", "-c:v libx265 -preset ultrafast -x265-params log-level=error:qp=10:keyint=10 -f hevc", "woven.265"),
	"not-woven.264": movingVideo("null", "-c:v libx264 -g 5 -bf 0 -x264-params fake-interlaced=1 -f h264", "fake.264"),

	// Annex B without B pictures, for servers that timestamp pictures on arrival.
	"live.264": video("640x360", 25, 4, "-c:v libx264 -preset veryfast -g 25 -bf 0 -sc_threshold 0 -f h264", "live.264"),
	"live.265": video("640x360", 25, 4, "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=25:min-keyint=25:bframes=0 -f hevc", "live.265"),
	// Like a camera: 720p, 2 Mbit/s, a keyframe every four seconds.
	"camera.264": video("1280x720", 25, 16, "-vf noise=alls=4:allf=t,format=yuv420p,setparams=colorspace=smpte170m:color_primaries=smpte170m:color_trc=smpte170m -c:v libx264 -preset veryfast -tune zerolatency -b:v 2M -maxrate 2M -bufsize 2M -g 100 -sc_threshold 0 -f h264", "camera.264"),
	// Two pairs with the same parameter sets, and several slices per picture.
	"slices.265":      video("640x360", 25, 3, "-c:v libx265 -preset ultrafast -x265-params log-level=error:slices=4:open-gop=1:keyint=12:min-keyint=12:bframes=2 -f hevc", "slices.265"),
	"white.265":       video("640x360", 25, 1, "-vf lutyuv=235:128:128,format=yuv420p -c:v libx265 -preset ultrafast -x265-params log-level=error:slices=4:open-gop=1:keyint=12:min-keyint=12:bframes=2 -f hevc", "white.265"),
	"white.264":       video("640x360", 25, 1, "-vf lutyuv=235:128:128,format=yuv420p -c:v libx264 -preset veryfast -bf 0 -x264-params slices=8:keyint=25:scenecut=0 -f h264", "white.264"),
	"live-slices.264": video("640x360", 25, 4, "-c:v libx264 -preset veryfast -bf 0 -x264-params slices=8:keyint=25:scenecut=0 -f h264", "live-slices.264"),

	// HLS, six segments of 2 s, GOPs of 1 s: playlists as ffmpeg writes them.
	"hls-ts":             av("640x360", 25, 12, "-c:v libx264 -preset veryfast -g 25 -bf 2 -sc_threshold 0 -c:a aac -f hls -hls_time 2 -hls_playlist_type vod -hls_segment_filename seg%d.ts", "index.m3u8"),
	"hls-fmp4":           av("640x360", 25, 12, "-c:v libx264 -preset veryfast -g 25 -bf 2 -sc_threshold 0 -c:a aac -f hls -hls_time 2 -hls_playlist_type vod -hls_segment_type fmp4 -hls_segment_filename seg%d.m4s", "index.m3u8"),
	"hls-byterange":      av("640x360", 25, 12, "-c:v libx264 -preset veryfast -g 25 -bf 2 -sc_threshold 0 -c:a aac -f hls -hls_time 2 -hls_playlist_type vod -hls_flags single_file", "index.m3u8"),
	"hls-h265":           av("640x360", 25, 8, "-c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params log-level=error:keyint=25:min-keyint=25 -c:a aac -f hls -hls_time 2 -hls_playlist_type vod -hls_segment_type fmp4 -hls_segment_filename seg%d.m4s", "index.m3u8"),
	"hls-dated":          av("640x360", 25, 12, "-c:v libx264 -preset veryfast -g 25 -bf 2 -sc_threshold 0 -c:a aac -f hls -hls_time 2 -hls_playlist_type vod -hls_flags program_date_time+independent_segments -hls_segment_filename seg%d.ts", "index.m3u8"),
	"hls-fmp4-byterange": av("640x360", 25, 12, "-c:v libx264 -preset veryfast -g 25 -bf 2 -sc_threshold 0 -c:a aac -f hls -hls_time 2 -hls_playlist_type vod -hls_segment_type fmp4 -hls_flags single_file", "index.m3u8"),
	"hls-1080p-fmp4":     av("1920x1080", 25, 6, "-c:v libx264 -preset veryfast -b:v 5M -maxrate 5M -bufsize 5M -g 50 -bf 2 -sc_threshold 0 -c:a aac -f hls -hls_time 6 -hls_playlist_type vod -hls_segment_type fmp4 -hls_segment_filename seg%d.m4s", "index.m3u8"),
	// GOPs of 2 s in two segments of 1 s: every other segment has no keyframe.
	"hls-split":      av("640x360", 25, 6, "-c:v libx264 -preset veryfast -g 50 -bf 0 -sc_threshold 0 -c:a aac -f hls -hls_time 1 -hls_playlist_type vod -hls_flags split_by_time -hls_segment_filename seg%d.ts", "index.m3u8"),
	"hls-split-fmp4": av("640x360", 25, 6, "-c:v libx264 -preset veryfast -g 50 -bf 0 -sc_threshold 0 -c:a aac -f hls -hls_time 1 -hls_playlist_type vod -hls_flags split_by_time -hls_segment_type fmp4 -hls_segment_filename seg%d.m4s", "index.m3u8"),
	"hls-audio":      audioOnly("-c:a aac -f hls -hls_time 1 -hls_playlist_type vod -hls_segment_filename seg%d.ts", "index.m3u8"),
	"hls-audio-fmp4": audioOnly("-c:a aac -f hls -hls_time 1 -hls_playlist_type vod -hls_segment_type fmp4 -hls_segment_filename seg%d.m4s", "index.m3u8"),
	// Keyframes a second apart, of which the first two are black. In black.ts all are.
	"black-first.264": blackFirst("-f h264", "black.264"),
	"black-first.ts":  blackFirst("-f mpegts", "black.ts"),
	"black-first.mp4": blackFirst("-movflags +faststart", "black.mp4"),
	"hls-black-first": blackFirst("-f hls -hls_time 1 -hls_playlist_type vod -hls_segment_filename seg%d.ts", "index.m3u8"),
	"black.ts":        {args: append(lavfiSource("color", "640x360", 25, 3), strings.Fields("-pix_fmt yuv420p -c:v libx264 -preset veryfast -g 25 -f mpegts")...), out: "black.ts"},
	// Some kilobytes each, as seeds for fuzzing.
	"tiny.ts":       video("32x32", 25, 1, "-c:v libx264 -preset veryfast -qp 51 -g 5 -bf 0 -f mpegts", "tiny.ts"),
	"hls-tiny-fmp4": video("32x32", 25, 1, "-c:v libx264 -preset veryfast -qp 51 -g 5 -bf 0 -f hls -hls_time 2 -hls_playlist_type vod -hls_segment_type fmp4 -hls_segment_filename seg%d.m4s", "index.m3u8"),
	// Three renditions. The master playlist is master.m3u8, in the directory of the media
	// playlists.
	"hls-ladder": hlsLadder("640x360", "320x180", "160x90"),

	// The same 20 pictures, one per second: in JPEG grids of three by two, of which the
	// last has two, as single JPEGs, and raw.
	"tiles":      stillPictures("-vf tile=3x2 -q:v 3 -start_number 0 -f image2", "grid%d.jpg"),
	"pictures":   stillPictures("-q:v 3 -start_number 0 -f image2", "picture%d.jpg"),
	"stills.rgb": stillPictures("-pix_fmt rgb24 -f rawvideo", "stills.rgb"),
}

// blackFirst encodes a video that is black for 1.9 s.
func blackFirst(opts, out string) recipe {
	return video("640x360", 25, 4, "-vf fade=t=in:st=1.9:d=0.05,format=yuv420p -c:v libx264 -preset veryfast -g 25 -bf 0 -sc_threshold 0 "+opts, out)
}

// movingVideo makes pictures in which everything moves 9 pixels from one to the next.
func movingVideo(filter, opts, out string) recipe {
	return video("720x576", 50, 1, "-vf scroll=h=0.0125,"+filter+",format=yuv420p "+opts, out)
}

// stillPictures makes pictures of 160x90.
func stillPictures(opts, out string) recipe {
	return recipe{args: append(lavfiSource("testsrc2", "160x90", 1, 20), strings.Fields(opts)...), out: out}
}

func lavfiSource(name, size string, rate, seconds int) []string {
	return strings.Fields(
		"-f lavfi -i " + name + "=size=" + size + ":rate=" + strconv.Itoa(rate) + ":duration=" + strconv.Itoa(seconds))
}

func video(size string, rate, seconds int, opts, out string) recipe {
	return recipe{args: append(lavfiSource("testsrc2", size, rate, seconds), withPixFmt(opts)...), out: out}
}

func av(size string, rate, seconds int, opts, out string) recipe {
	args := append(lavfiSource("testsrc2", size, rate, seconds),
		"-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration="+strconv.Itoa(seconds))
	return recipe{args: append(args, withPixFmt(opts)...), out: out}
}

// twoPictures encodes two videos of different sizes, 320x180 and 640x360.
func twoPictures(opts, out string) recipe {
	args := append(lavfiSource("testsrc2", "320x180", 25, 2), lavfiSource("testsrc2", "640x360", 25, 2)...)
	return recipe{args: append(args, withPixFmt(opts)...), out: out}
}

func audioOnly(opts, out string) recipe {
	args := []string{"-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=3"}
	return recipe{args: append(args, strings.Fields(opts)...), out: out}
}

// hlsLadder encodes HLS with a master playlist, the same pictures in several sizes.
func hlsLadder(sizes ...string) recipe {
	r := av(sizes[0], 25, 6, "-c:v libx264 -preset veryfast -g 25 -bf 2 -sc_threshold 0 -c:a aac", "%v.m3u8")
	streams := ""
	for i, size := range sizes {
		n := strconv.Itoa(i)
		r.args = append(r.args, "-map", "0:v", "-map", "1:a", "-s:v:"+n, size, "-b:v:"+n, strconv.Itoa(800>>i)+"k")
		streams += " v:" + n + ",a:" + n
	}
	r.args = append(r.args, strings.Fields("-f hls -hls_time 2 -hls_playlist_type vod -master_pl_name master.m3u8 -hls_segment_filename %v-%d.ts")...)
	r.args = append(r.args, "-var_stream_map", streams[1:])
	return r
}

// noiseVideo encodes pictures that do not compress, for keyframes of megabytes.
func noiseVideo(size string, frames int, opts, out string) recipe {
	args := []string{"-f", "lavfi", "-i", "nullsrc=size=" + size + ":rate=25,geq=random(1)*255:128:128", "-frames:v", strconv.Itoa(frames)}
	return recipe{args: append(args, withPixFmt(opts)...), out: out}
}

// colourRamps encodes ramps of red, green and blue with the given matrix and range.
func colourRamps(matrix, colourRange string) recipe {
	args := lavfiSource("rgbtestsrc", "320x240", 25, 1)
	args = append(args, strings.Fields("-vf scale=out_color_matrix="+matrix+":out_range="+colourRange+",format=yuv420p"+
		" -colorspace "+matrix+" -color_primaries "+matrix+" -color_trc "+matrix+" -color_range "+colourRange+
		" -c:v libx264 -preset veryfast -qp 10 -f h264")...)
	return recipe{args: args, out: "colours.264"}
}

// gradedVideo makes pictures with the given transfer function and primaries. It needs
// zscale.
func gradedVideo(transfer, primaries, opts string) recipe {
	return video("640x360", 25, 1, "-vf format=gbrp,setparams=color_primaries=bt709:color_trc=bt709:colorspace=gbr,"+
		"zscale=t=linear:npl=203,format=gbrpf32,zscale=p="+primaries+":t="+transfer+":m=bt2020nc:r=limited:npl=203,format=yuv420p10,"+
		"setparams=range=unknown:colorspace=unknown:color_primaries=unknown:color_trc=unknown"+
		" -frames:v 5 -c:v libx265 -preset fast "+opts+" -f hevc", "graded.265")
}

// untaggedRamps makes colourRamps without any signalling in the stream.
func untaggedRamps(size, matrix, colourRange, opts string) recipe {
	args := lavfiSource("rgbtestsrc", size, 25, 1)
	args = append(args, strings.Fields("-vf scale=out_color_matrix="+matrix+":out_range="+colourRange+",format=yuv420p,setparams=range=unknown:colorspace=unknown"+
		" -colorspace unknown -color_range unknown -frames:v 5 -qp 10 "+opts)...)
	return recipe{args: args, out: "bare"}
}

func withPixFmt(opts string) []string {
	if strings.Contains(opts, "pix_fmt") || strings.Contains(opts, "format=") {
		return strings.Fields(opts)
	}
	return append([]string{"-pix_fmt", "yuv420p"}, strings.Fields(opts)...)
}
