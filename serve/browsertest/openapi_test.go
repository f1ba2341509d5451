package browsertest

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/kfgrab/kfgrab/serve"
	"github.com/kfgrab/kfgrab/serve/internal/servetest"
)

// apiDocument returns the document that a service serves.
func apiDocument(t *testing.T, s *service) *openapi3.T {
	t.Helper()
	_, data := s.do(t, http.MethodGet, "/openapi.json")
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return doc
}

// contract checks answers against the document.
type contract struct {
	*service
	t      *testing.T
	doc    *openapi3.T
	router routers.Router
	kept   map[string]bool // the operations that have succeeded, by their id
}

func newContract(t *testing.T, s *service) *contract {
	t.Helper()
	for _, kind := range []string{"image/jpeg", "image/png", "image/webp", "video/mp4", "application/octet-stream", "multipart/x-mixed-replace", "text/event-stream", "text/css", "text/javascript", "text/html", "image/svg+xml"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.FileBodyDecoder)
	}
	doc := apiDocument(t, s)
	doc.Servers = nil // a router wants a host
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &contract{s, t, doc, router, map[string]bool{}}
}

// check validates an answer and, unless that is an error, the request.
func (c *contract) check(r *http.Request, res *http.Response, body []byte) {
	c.t.Helper()
	asked := r.Clone(r.Context())
	if asked.Method == http.MethodHead {
		asked.Method = http.MethodGet
	}
	asked.URL.Host, asked.URL.Scheme, asked.Host = "", "", ""
	route, parameters, err := c.router.FindRoute(asked)
	if err != nil {
		c.t.Errorf("%s %s: %v", r.Method, r.URL, err)
		return
	}
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, MultiError: true}
	in := &openapi3filter.RequestValidationInput{Request: asked, PathParams: parameters, Route: route, Options: options}
	if res.StatusCode < 400 {
		c.kept[route.Operation.OperationID] = true
		if err := openapi3filter.ValidateRequest(c.t.Context(), in); err != nil {
			c.t.Errorf("%s %s: the question: %v", r.Method, r.URL, err)
		}
		if route.Operation.Responses.Status(res.StatusCode) == nil {
			c.t.Errorf("%s %s: the status %d is not documented", r.Method, r.URL, res.StatusCode)
		}
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: res.StatusCode, Header: res.Header, Options: options}
	if r.Method == http.MethodHead {
		out.Options = &openapi3filter.Options{ExcludeResponseBody: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	}
	if err := openapi3filter.ValidateResponse(c.t.Context(), out.SetBodyBytes(body)); err != nil {
		c.t.Errorf("%s %s: %s: %v", r.Method, r.URL, res.Status, err)
	}
}

// expect sends a request and checks the answer.
func (c *contract) expect(status int, method, path string, headers ...string) *http.Response {
	c.t.Helper()
	got, body := c.do(c.t, method, path, headers...)
	if got.StatusCode != status {
		c.t.Errorf("%s %s: %s %.300s, want %d", method, path, got.Status, body, status)
	}
	got.Request.RequestURI = ""
	c.check(got.Request, got, body)
	return got
}

// TestOpenAPI: the answers of every operation match the document.
func TestOpenAPI(t *testing.T) {
	away := stream(t, "away=http://user:geheim@127.0.0.1:1/live.m3u8")
	planned := stream(t, "planned="+servetest.LiveHLS(t))
	planned.Mode, planned.Schedule.Every = serve.Scheduled, time.Hour
	door := stream(t, "door="+servetest.LiveHLS(t))
	door.TTL = time.Hour // all requests get the same picture
	s := start(t, &serve.Options{
		Streams: []serve.Stream{door, away, planned}, Software: "test/1", Guard: serve.Guard{Allow: "127.0.0.1"},
	})
	c := newContract(t, s)
	picture := c.expect(200, "GET", "/streams/door/snapshot.jpg?width=160&height=90&fit=cover&quality=50&overlay=1&max_age=60")
	for _, format := range c.doc.Components.Parameters["Format"].Value.Schema.Value.Enum {
		for _, path := range []string{"/streams/door/snapshot." + format.(string), "/snapshot." + format.(string) + "?url=" + servetest.LiveHLS(t)} {
			c.expect(200, "GET", path)
			c.expect(200, "HEAD", path)
		}
	}
	etag := picture.Header.Get("ETag")
	const again = "/streams/door/snapshot.jpg?width=160&height=90&fit=cover&quality=50&overlay=1&max_age=3600"
	c.expect(304, "GET", again, "If-None-Match", etag)
	c.expect(412, "GET", again, "If-Match", `"x"`)
	c.expect(206, "GET", again, "Range", "bytes=0-9")
	c.expect(416, "GET", again, "Range", "bytes=99999999-")
	c.expect(200, "GET", "/streams/door/snapshot", "Accept", "image/png")
	c.expect(406, "GET", "/streams/door/snapshot", "Accept", "text/html")
	c.expect(200, "GET", "/snapshot?url="+servetest.LiveHLS(t))
	c.expect(403, "GET", "/snapshot.jpg?url=http://10.0.0.1/")
	c.expect(400, "GET", "/streams/door/snapshot.jpg?width=0")
	c.expect(502, "GET", "/streams/away/snapshot.jpg")
	c.expect(200, "GET", "/streams/away/snapshot.jpg?placeholder=1&stale_if_error=60&fresh=1")
	c.expect(404, "GET", "/streams/nobody/snapshot.jpg")
	c.expect(200, "GET", "/streams")
	c.expect(200, "GET", "/streams/door?probe=1")
	c.expect(200, "GET", "/streams/away")
	c.expect(200, "GET", "/streams/planned")
	c.expect(502, "GET", "/streams/away?probe=1")
	c.expect(200, "GET", "/cache")
	c.expect(204, "DELETE", "/cache/door")
	c.expect(204, "DELETE", "/cache")
	for _, path := range []string{"/latest.jpg?stream=door", "/stream/snapshot?force_refresh=1&url=" + servetest.LiveHLS(t), "/stream/info", "/stream/cache", "/stream/cache/clear"} {
		c.expect(200, "GET", path)
	}
	c.expect(200, "POST", "/stream/cache/clear")
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.expect(307, "GET", "/stream/view?stream=door")
	for _, path := range []string{"/", "/streams/door/view", "/assets/page.css", "/assets/wall.js", "/assets/icon.svg", "/openapi.json"} {
		c.expect(304, "GET", path, "If-None-Match", c.expect(200, "GET", path).Header.Get("ETag"))
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		c.expect(200, "GET", path)
	}
	c.streams()
	for _, item := range c.doc.Paths.Map() {
		for _, o := range item.Operations() {
			if !c.kept[o.OperationID] {
				t.Errorf("%s is not tested", o.OperationID)
			}
		}
	}
}

// streams checks the endless answers: how they begin, and events.
func (c *contract) streams() {
	c.t.Helper()
	res := c.open(c.t, "/streams/door/mjpeg?width=160&every=1")
	start := make([]byte, 1000)
	if _, err := io.ReadFull(res.Body, start); err != nil {
		c.t.Fatal(err)
	}
	c.check(res.Request, res, start)
	c.do(c.t, http.MethodGet, "/streams/door/snapshot.mp4")
	c.do(c.t, http.MethodGet, "/streams/away/snapshot.mp4")
	schema := c.doc.Components.Schemas["Event"].Value
	for path, want := range map[string]int{"/streams/door/events": 1, "/events": 3} {
		res := c.open(c.t, path)
		c.check(res.Request, res, nil)
		r := bufio.NewReader(res.Body)
		names := map[string]bool{}
		for range want {
			name, data := readEvent(c.t, r)
			names[name] = true
			var value any
			err := json.Unmarshal(data, &value)
			if err == nil {
				err = schema.VisitJSON(value)
			}
			if err != nil {
				c.t.Errorf("%s: %s: %v", path, data, err)
			}
		}
		if want > 1 && !names["failure"] {
			c.t.Errorf("%s: %v", path, slices.Collect(maps.Keys(names)))
		}
	}
}

// readEvent reads the next event's name and data.
func readEvent(t *testing.T, r *bufio.Reader) (name string, data []byte) {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "event: "); ok {
			name = text
		}
		if text, ok := strings.CutPrefix(line, "data: "); ok {
			return name, []byte(text)
		}
	}
}

// TestOpenAPIStrict: the document allows nothing that it does not describe.
func TestOpenAPIStrict(t *testing.T) {
	doc := apiDocument(t, start(t, &serve.Options{}))
	for name, schema := range doc.Components.Schemas {
		value := schema.Value
		if value.Type.Is("object") && len(value.Properties) > 0 && (value.AdditionalProperties.Has == nil || *value.AdditionalProperties.Has) {
			t.Errorf("%s may have what is not said", name)
		}
	}
	if err := doc.Components.Schemas["Cache"].Value.VisitJSON(map[string]any{"pictures": 1.0, "bytes": 1.0, "more": 1.0}); err == nil {
		t.Error("what is not said is taken")
	}
}
