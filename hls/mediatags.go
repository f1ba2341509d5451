package hls

import "net/url"

func parseServerControl(attributes string) ServerControl {
	var c ServerControl
	for name, value := range attributeList(attributes) {
		switch name {
		case "CAN-BLOCK-RELOAD":
			c.CanBlockReload = value == "YES"
		case "CAN-SKIP-UNTIL":
			c.CanSkipUntil = parseSeconds(value)
		case "CAN-SKIP-DATERANGES":
			c.CanSkipDateRanges = value == "YES"
		case "HOLD-BACK":
			c.HoldBack = parseSeconds(value)
		case "PART-HOLD-BACK":
			c.PartHoldBack = parseSeconds(value)
		}
	}

	return c
}

func parseStartPoint(attributes string) *StartPoint {
	p := &StartPoint{}
	for name, value := range attributeList(attributes) {
		switch name {
		case "TIME-OFFSET":
			f := parseNumber(value)
			p.Offset = toDuration(f)
			if f < 0 {
				p.Offset = -toDuration(-f)
			}
		case "PRECISE":
			p.Precise = value == "YES"
		}
	}

	return p
}

// RenditionReport is the position of another rendition's playlist
// (draft-pantos-hls-rfc8216bis 4.4.5.4). A number that is not given, −1, is that of
// the playlist with the report.
type RenditionReport struct {
	URI          URI
	LastSequence int64
	LastPart     int
}

func parseRenditionReport(attributes string, base *url.URL) RenditionReport {
	r := RenditionReport{URI: URI{Base: base}, LastSequence: -1, LastPart: -1}
	for name, value := range attributeList(attributes) {
		switch name {
		case "URI":
			r.URI.Text = value
		case "LAST-MSN":
			r.LastSequence = int64(parseCount(value))
		case "LAST-PART":
			r.LastPart = parseCount(value)
		}
	}
	return r
}
