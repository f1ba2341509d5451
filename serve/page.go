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

var assetTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// pagePolicy lets pages load from this service only, and run scripts and styles
// from files only.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// playerPolicy is for a page with the browser's own player: a playlist may name
// segments on any host.
const playerPolicy = pagePolicy + "; media-src http: https: blob:"

// showWall answers GET / with a page of all streams.
func (s *Server) showWall(w http.ResponseWriter, r *http.Request) error {
	type tile struct{ Name, Path string }
	var data struct{ Streams []tile }
	for _, c := range s.visibleStreams(r) {
		data.Streams = append(data.Streams, tile{c.conf.Name, "streams/" + url.PathEscape(c.conf.Name)})
	}
	return writePage(w, r, "wall.html", pagePolicy, &data)
}

// showView answers GET /streams/{name}/view with a page of one stream: as
// stills, as live keyframes or, where the browser can play it, as video.
func (s *Server) showView(w http.ResponseWriter, r *http.Request, c *camera) error {
	data := struct{ Name, Path, Player, Host string }{Name: c.conf.Name, Path: url.PathEscape(c.conf.Name)}
	policy := pagePolicy
	if u := c.playableURL(); u != nil {
		data.Player, data.Host = u.String(), u.Host
		policy = playerPolicy
	}
	return writePage(w, r, "view.html", policy, &data)
}

// playableURL returns the URL of an HLS stream for the browser's player. It
// returns nil if the URL holds a secret, or if the stream needs a header, which
// usually holds one.
func (c *camera) playableURL() *url.URL {
	u, err := url.Parse(c.conf.URL)
	if err != nil || c.conf.RedactedURL != c.conf.URL || len(c.conf.Options.Header) > 0 {
		return nil
	}
	if (u.Scheme != "http" && u.Scheme != "https") || path.Ext(u.Path) != ".m3u8" {
		return nil
	}
	return u
}

func writePage(w http.ResponseWriter, r *http.Request, name, policy string, data any) error {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		return err
	}
	w.Header().Set("Content-Security-Policy", policy)
	writeFile(w, r, "text/html; charset=utf-8", b.Bytes())
	return nil
}

// serveAsset answers GET /assets/{file}.
func (s *Server) serveAsset(w http.ResponseWriter, r *http.Request) error {
	file := r.PathValue("file")
	data, err := fs.ReadFile(web, "web/assets/"+file)
	kind := assetTypes[path.Ext(file)]
	if err != nil || kind == "" {
		return notFound("there is no asset %.40q", file)
	}
	writeFile(w, r, kind, data)
	return nil
}

// serveOpenAPI answers GET /openapi.json.
func (s *Server) serveOpenAPI(w http.ResponseWriter, r *http.Request) error {
	data, err := web.ReadFile("web/openapi.json")
	if err != nil {
		return err
	}
	writeFile(w, r, "application/json", data)
	return nil
}

// writeFile answers with data that only a new version or configuration changes.
// Browsers have to ask each time, but get it once.
func writeFile(w http.ResponseWriter, r *http.Request, kind string, data []byte) {
	sum := fnv.New64a()
	sum.Write(data)
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("ETag", strconv.Quote(strconv.FormatUint(sum.Sum64(), 36)))
	h.Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// reportHealth answers GET /healthz: the process is running.
func (s *Server) reportHealth(w http.ResponseWriter, r *http.Request) error {
	writeText(w, r, "ok\n")
	return nil
}

// reportReadiness answers GET /readyz: the service takes requests, until it
// shuts down.
func (s *Server) reportReadiness(w http.ResponseWriter, r *http.Request) error {
	select {
	case <-s.run.closing:
		return errClosed
	default:
		writeText(w, r, "ready\n")
		return nil
	}
}
