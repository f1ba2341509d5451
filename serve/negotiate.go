package serve

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/kfgrab/kfgrab/picture"
)

// offers are the formats to choose from, the best first where a client has no preference.
var offers = []picture.Format{picture.JPEG, picture.PNG, picture.WebP, picture.MP4}

// negotiated answers GET /streams/{name}/snapshot, by Accept (RFC 9110 12.5.1). Without
// one the format is that of the stream's configuration.
func (s *Server) negotiated(w http.ResponseWriter, r *http.Request, c *camera) error {
	w.Header().Set("Vary", "Accept")
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if accept == "" {
		return s.snapshot(w, r, c, c.conf.Picture.Format)
	}
	best, weight := picture.Format(0), 0.0
	for _, f := range offers {
		if q := accepted(accept, f.MIMEType()); q > weight {
			best, weight = f, q
		}
	}
	if weight == 0 {
		return &httpError{http.StatusNotAcceptable, "there are image/jpeg, image/png, image/webp and video/mp4"}
	}
	return s.snapshot(w, r, c, best)
}

// accepted returns the weight that a header Accept gives a media type: that of its most
// specific range.
func accepted(accept, mime string) (weight float64) {
	kind, _, _ := strings.Cut(mime, "/")
	most := 0
	for element := range strings.SplitSeq(accept, ",") {
		parameters := strings.Split(element, ";")
		specific := 0
		switch strings.ToLower(strings.TrimSpace(parameters[0])) {
		case mime:
			specific = 3
		case kind + "/*":
			specific = 2
		case "*/*":
			specific = 1
		}
		if specific > most {
			most, weight = specific, quality(parameters[1:])
		}
	}
	return weight
}

// quality reads q=0.5 among the parameters of a media range.
func quality(parameters []string) float64 {
	for _, p := range parameters {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(name, "q") {
			if q, err := strconv.ParseFloat(value, 64); err == nil && q >= 0 && q <= 1 {
				return q
			}
			return 0
		}
	}
	return 1
}
