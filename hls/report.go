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

// reported returns the place behind all that the rendition v lists, as the playlist
// that was read last has it: nil where that does not tell, or where there is no use
// in it, as v cannot be waited for.
func (s *Source) reported(v *Variant) *place {
	m := s.latest
	if s.opts.Edge != EdgeNext || m == nil || !m.ServerControl.CanBlockReload {
		return nil
	}
	u, err := s.master.video(v).Resolve()
	if err != nil {
		return nil
	}
	for _, r := range m.RenditionReports {
		if other, err := r.URI.Resolve(); err == nil && withoutDirectives(other) == withoutDirectives(u) {
			end := m.endOf(r)
			return &end
		}
	}
	return nil
}

// endOf is end of the rendition that m has the report r of.
func (m *Media) endOf(r RenditionReport) place {
	last := place{m.MediaSequence - 1, -1}
	if m.Edge != nil {
		last = place{m.Edge.Sequence, len(m.Edge.Parts) - 1}
	} else if n := len(m.Segments); n > 0 {
		last = place{m.Segments[n-1].Sequence, len(m.Segments[n-1].Parts) - 1}
	}
	if r.LastSequence >= 0 {
		last.sequence = r.LastSequence
	}
	if r.LastPart >= 0 {
		last.part = r.LastPart
	}
	if last.part < 0 {
		return place{last.sequence + 1, 0}
	}
	return place{last.sequence, last.part + 1}
}
