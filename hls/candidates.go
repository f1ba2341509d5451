package hls

import (
	"slices"
	"strings"
)

// Without returns m without the variants whose video is at the same address as v's,
// for a choice among the others once that has turned out to be unreadable.
func (m *Master) Without(v *Variant) *Master {
	rest := *m
	rest.Variants = slices.Clone(m.Variants)
	rest.Variants = slices.DeleteFunc(rest.Variants, func(w Variant) bool { return m.VideoURI(&w) == m.VideoURI(v) })
	return &rest
}

// WithoutCodecs returns m as if it stated no CODECS, for servers that state wrong
// ones: packagers leave the video out, or name another. Dolby Vision stays as it is,
// because its colours may be wrong without a warning.
func (m *Master) WithoutCodecs() *Master {
	rest := *m
	rest.Variants = slices.Clone(m.Variants)
	for i := range rest.Variants {
		if v := &rest.Variants[i]; !strings.Contains(v.Codecs, "dvh") {
			v.Codecs = ""
		}
	}
	return &rest
}
