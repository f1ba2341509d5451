package hls

import "net/url"

// RenditionReport tells how far another rendition's playlist is
// (draft-pantos-hls-rfc8216bis 4.4.5.4). A number that is not given, −1, is the one
// of the playlist that the report stands in.
type RenditionReport struct {
	URI          URI
	LastSequence int64
	LastPart     int
}

func renditionReport(attributes string, base *url.URL) RenditionReport {
	r := RenditionReport{URI: URI{Base: base}, LastSequence: -1, LastPart: -1}
	for name, value := range attributeList(attributes) {
		switch name {
		case "URI":
			r.URI.Text = value
		case "LAST-MSN":
			r.LastSequence = int64(count(value))
		case "LAST-PART":
			r.LastPart = count(value)
		}
	}
	return r
}
