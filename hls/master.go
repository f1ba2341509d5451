package hls

import "net/url"

// Master is a master playlist (RFC 8216 4.3.4; a multivariant playlist in the draft
// that follows it).
type Master struct {
	Variants            []Variant         // EXT-X-STREAM-INF, in the playlist's order
	IFrames             []Variant         // EXT-X-I-FRAME-STREAM-INF
	Images              []Variant         // EXT-X-IMAGE-STREAM-INF, of tiles of the size stated
	Renditions          []Rendition       // EXT-X-MEDIA
	IndependentSegments bool              // every segment of every rendition can be decoded by itself
	Pathway             string            // PATHWAY-ID of EXT-X-CONTENT-STEERING, to begin with
	Variables           map[string]string // EXT-X-DEFINE, for media playlists to import

	videos map[string]URI // of the default VIDEO renditions, by group
}

// Variant is one EXT-X-STREAM-INF, EXT-X-I-FRAME-STREAM-INF or
// EXT-X-IMAGE-STREAM-INF. Fields that the playlist does not state are zero.
type Variant struct {
	URI              URI
	Bandwidth        int // peak, bit/s
	AverageBandwidth int // bit/s
	Codecs           string
	Width, Height    int
	FrameRate        float64
	VideoRange       string // SDR, HLG, PQ
	PathwayID        string
	Video, Audio     string // group IDs in Renditions
	Name             string
	Index            int // in Variants, IFrames or Images
}

// Rendition is one EXT-X-MEDIA (RFC 8216 4.3.4.1). Its URI's Text is empty if the
// media is in the variant's own playlist.
type Rendition struct {
	Type     string // VIDEO, AUDIO, SUBTITLES, CLOSED-CAPTIONS
	GroupID  string
	Name     string
	Language string
	URI      URI
	Default  bool
}

// readTag reads one tag; uri is that of an EXT-X-STREAM-INF.
func (m *Master) readTag(t tag, uri string, base *url.URL) {
	switch t.name {
	case tagStreamInf:
		v := parseVariant(t.value, base)
		v.URI.Text, v.Index = uri, len(m.Variants)
		m.Variants = append(m.Variants, v)
	case tagIFrameStreamInf:
		m.IFrames = appendAside(m.IFrames, t.value, base)
	case tagImageStreamInf:
		m.Images = appendAside(m.Images, t.value, base)
	case "#EXT-X-INDEPENDENT-SEGMENTS":
		m.IndependentSegments = true
	case "#EXT-X-MEDIA":
		r := parseRendition(t.value, base)
		m.Renditions = append(m.Renditions, r)
		if _, has := m.videos[r.GroupID]; r.Type == "VIDEO" && r.Default && r.URI.Text != "" && !has {
			if m.videos == nil {
				m.videos = map[string]URI{}
			}
			m.videos[r.GroupID] = r.URI
		}
	case "#EXT-X-CONTENT-STEERING":
		for name, value := range attributeList(t.value) {
			if name == "PATHWAY-ID" {
				m.Pathway = value
			}
		}
	}
}

// appendAside adds an EXT-X-I-FRAME-STREAM-INF or EXT-X-IMAGE-STREAM-INF, which has its
// URI among its attributes.
func appendAside(list []Variant, attributes string, base *url.URL) []Variant {
	v := parseVariant(attributes, base)
	if v.Index = len(list); v.URI.Text == "" {
		return list
	}
	return append(list, v)
}

// parseVariant reads the attributes of an EXT-X-STREAM-INF, EXT-X-I-FRAME-STREAM-INF or
// EXT-X-IMAGE-STREAM-INF.
func parseVariant(attributes string, base *url.URL) Variant {
	v := Variant{URI: URI{Base: base}}
	for name, value := range attributeList(attributes) {
		switch name {
		case "URI": // not of EXT-X-STREAM-INF
			v.URI.Text = value
		case "BANDWIDTH":
			v.Bandwidth = parseCount(value)
		case "AVERAGE-BANDWIDTH":
			v.AverageBandwidth = parseCount(value)
		case "CODECS":
			v.Codecs = value
		case "RESOLUTION":
			v.Width, v.Height = parseSize(value)
		case "FRAME-RATE":
			v.FrameRate = finiteOrZero(parseNumber(value))
		case "VIDEO-RANGE":
			v.VideoRange = value
		case "PATHWAY-ID":
			v.PathwayID = value
		case "VIDEO":
			v.Video = value
		case "AUDIO":
			v.Audio = value
		case "NAME":
			v.Name = value
		}
	}

	return v
}

func parseRendition(attributes string, base *url.URL) Rendition {
	r := Rendition{URI: URI{Base: base}}
	for name, value := range attributeList(attributes) {
		switch name {
		case "TYPE":
			r.Type = value
		case "GROUP-ID":
			r.GroupID = value
		case "NAME":
			r.Name = value
		case "LANGUAGE":
			r.Language = value
		case "URI":
			r.URI.Text = value
		case "DEFAULT":
			r.Default = value == "YES"
		}
	}

	return r
}
