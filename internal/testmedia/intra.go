package testmedia

import (
	"maps"
	"slices"
)

// intraSettings are settings of x265, each with syntax of its own in an intra picture:
// the pixel format, and the parameters.
var intraSettings = map[string][2]string{
	"wavefronts":   {"yuv420p", "wpp=1:ctu=16"},
	"plain":        {"yuv420p", "wpp=0"},
	"slices":       {"yuv420p", "slices=3:ctu=16"},
	"visible-sign": {"yuv420p", "signhide=0:sao=0"},
	"skip":         {"yuv420p", "tskip=1:ctu=16:wpp=0"},
	"lossless":     {"yuv420p", "lossless=1"},
	"lossless-cu":  {"yuv420p", "cu-lossless=1:tskip=1:rd=4"},
	"scaling":      {"yuv420p", "scaling-list=default:deblock=1,1"},
	"large-cu":     {"yuv420p", "min-cu-size=16:max-tu-size=16:tu-intra-depth=3"},
	"deep":         {"yuv420p", "tu-intra-depth=4:rd=6:aq-mode=3:qg-size=8"},
	"grey":         {"gray", "ctu=32"},
	"422":          {"yuv422p", "tu-intra-depth=3"},
	"444":          {"yuv444p", "tskip=1"},
	"10-bit":       {"yuv420p10le", "wpp=0:hrd=1:vbv-bufsize=2000:vbv-maxrate=2000:aud=1"},
	"422-10-bit":   {"yuv422p10le", "tskip=1:tu-intra-depth=4:cbqpoffs=-3"},
	"444-12-bit":   {"yuv444p12le", "lossless=1:wpp=0"},
	"coarse":       {"yuv420p", "qp=45:repeat-headers=1"},
	"fine":         {"yuv420p", "qp=1:crqpoffs=3"},
	"refresh":      {"yuv420p", "cutree=0:strong-intra-smoothing=0:rskip=0:constrained-intra=1"},
}

// intraSettings264 are settings of x264.
var intraSettings264 = map[string][2]string{
	"plain":       {"yuv420p", "8x8dct=0"},
	"8x8":         {"yuv420p", "8x8dct=1"},
	"slices":      {"yuv420p", "slices=4"},
	"grey":        {"gray", "8x8dct=1"},
	"422":         {"yuv422p", "8x8dct=1"},
	"10-bit":      {"yuv420p10le", "aud=1:nal-hrd=vbr:vbv-maxrate=2000:vbv-bufsize=2000"},
	"422-10-bit":  {"yuv422p10le", "slices=2"},
	"coarse":      {"yuv420p", "qp=48"},
	"fine":        {"yuv420p", "qp=1:partitions=all"},
	"lossless":    {"yuv420p", "qp=0"},
	"16x16":       {"yuv420p", "partitions=none:aq-mode=3:aq-strength=2"},
	"filters-off": {"yuv420p", "deblock=0,0:no-deblock=1:trellis=0:cqm=jvt"},
	"interlaced":  {"yuv420p", "fake-interlaced=1"},

	"cavlc":          {"yuv420p", "cabac=0:8x8dct=0"},
	"cavlc-8x8":      {"yuv420p", "cabac=0:8x8dct=1:partitions=all"},
	"cavlc-slices":   {"yuv420p", "cabac=0:slices=4"},
	"cavlc-grey":     {"gray", "cabac=0"},
	"cavlc-422":      {"yuv422p", "cabac=0"},
	"cavlc-10-bit":   {"yuv420p10le", "cabac=0:qp=3"},
	"cavlc-422-fine": {"yuv422p10le", "cabac=0:qp=0:slices=2"},
	"cavlc-coarse":   {"yuv420p", "cabac=0:qp=48"},
	"cavlc-fine":     {"yuv420p", "cabac=0:qp=1"},
	"cavlc-16x16":    {"yuv420p", "cabac=0:partitions=none:aq-mode=3:aq-strength=2"},
	"cavlc-lossless": {"yuv420p", "cabac=0:qp=0"},
	"cavlc-fake-tff": {"yuv420p", "cabac=0:fake-interlaced=1"},
}

// IntraNames lists the recipes of intra pictures of H.265 and H.264, sorted.
func IntraNames() (h265, h264 []string) {
	for _, name := range slices.Sorted(maps.Keys(intraSettings)) {
		h265 = append(h265, intraName(name, "265"))
	}
	for _, name := range slices.Sorted(maps.Keys(intraSettings264)) {
		h264 = append(h264, intraName(name, "264"))
	}
	return h265, h264
}

func intraName(setting, codec string) string { return "intra-" + setting + "." + codec }

func init() {
	for name, s := range intraSettings264 {
		args := lavfiSource("testsrc2", "216x128", 3, 1)
		args = append(args, "-vf", "noise=alls=20:allf=t", "-pix_fmt", s[0], "-c:v", "libx264", "-preset", "medium",
			"-x264-params", "log-level=error:keyint=1:crf=24:"+s[1], "-f", "h264")
		recipes[intraName(name, "264")] = recipe{args: args, out: "intra.264"}
	}
	for name, s := range intraSettings {
		args := lavfiSource("testsrc2", "216x120", 3, 1)
		args = append(args, "-vf", "noise=alls=20:allf=t", "-pix_fmt", s[0], "-c:v", "libx265", "-preset", "medium",
			"-x265-params", "log-level=error:keyint=1:crf=24:"+s[1], "-f", "hevc")
		recipes[intraName(name, "265")] = recipe{args: args, out: "intra.265"}
	}
}
