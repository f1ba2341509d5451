package serve

import (
	"bytes"
	"embed"
	"hash/fnv"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"time"
)

//go:embed web
var web embed.FS

var pages = template.Must(template.ParseFS(web, "web/pages/*.html"))

// assetTypes are all kinds of files that the pages have.
var assetTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// policy lets the pages load what is of this service, and nothing in them be run or
// styled that is not a file of it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// playerPolicy is for a page with the browser's own player, to which a playlist may name
// segments of any host.
const playerPolicy = policy + "; media-src http: https: blob:"

// tile is a stream as the pages have it.
type tile struct {
	Name string
	Path string // of the stream, from the root
}

func (c *camera) tile() tile {
	return tile{c.conf.Name, "streams/" + url.PathEscape(c.conf.Name)}
}

// wall answers GET /: all streams, whose pictures a script asks for.
func (s *Server) wall(w http.ResponseWriter, r *http.Request) error {
	data := struct{ Streams []tile }{}
	for _, c := range s.visible(r) {
		data.Streams = append(data.Streams, c.tile())
	}
	return page(w, r, "wall.html", policy, &data)
}

// view answers GET /streams/{name}/view: a stream, as stills, as live keyframes or, where
// the browser can and may, as the video that it is.
func (s *Server) view(w http.ResponseWriter, r *http.Request, c *camera) error {
	data := struct{ Name, Path, Player, Host string }{Name: c.conf.Name, Path: url.PathEscape(c.conf.Name)}
	rules := policy
	if u := c.playable(); u != nil {
		data.Player, data.Host, rules = u.String(), u.Host, playerPolicy
	}
	return page(w, r, "view.html", rules, &data)
}

// playable returns the URL of an HLS stream that a browser may be told of, as there is no
// secret in it; nil for none. Who sends headers along sends secrets, as a rule.
func (c *camera) playable() *url.URL {
	u, err := url.Parse(c.conf.URL)
	if err != nil || c.conf.RedactedURL != c.conf.URL || len(c.conf.Options.Header) > 0 {
		return nil
	}
	if http := u.Scheme == "http" || u.Scheme == "https"; !http || path.Ext(u.Path) != ".m3u8" {
		return nil
	}
	return u
}

// page answers with a page, whose data change with the configuration alone.
func page(w http.ResponseWriter, r *http.Request, name, policy string, data any) error {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	unchanging(w, r, b.Bytes())
	return nil
}

// asset answers GET /assets/{file}.
func (s *Server) asset(w http.ResponseWriter, r *http.Request) error {
	file := r.PathValue("file")
	data, err := fs.ReadFile(web, "web/assets/"+file)
	kind := assetTypes[path.Ext(file)]
	if err != nil || kind == "" {
		return notFound("there is no asset %.40q", file)
	}
	w.Header().Set("Content-Type", kind)
	unchanging(w, r, data)
	return nil
}

// openAPI answers GET /openapi.json.
func (s *Server) openAPI(w http.ResponseWriter, r *http.Request) error {
	data, err := web.ReadFile("web/openapi.json")
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	unchanging(w, r, data)
	return nil
}

// unchanging answers with what is the same until the service is another one: browsers are
// to ask each time, and get it once.
func unchanging(w http.ResponseWriter, r *http.Request, data []byte) {
	sum := fnv.New64a()
	sum.Write(data)
	h := w.Header()
	h.Set("ETag", strconv.Quote(strconv.FormatUint(sum.Sum64(), 36)))
	h.Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}
