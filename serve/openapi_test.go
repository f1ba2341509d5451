package serve

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// patternLiteral is how routes.go writes a route.
var patternLiteral = regexp.MustCompile(`"((?:GET|POST|PUT|DELETE) /[^"]*)"`)

// TestOpenAPIRoutes: the document has every route of the service, and no other.
// Module browsertest holds answers against the document.
func TestOpenAPIRoutes(t *testing.T) {
	var doc struct {
		Paths      map[string]map[string]json.RawMessage
		Components struct {
			Parameters struct {
				Format struct{ Schema struct{ Enum []string } }
			}
		}
	}
	s := start(t, &Options{})
	if err := json.Unmarshal(s.get(t, "/openapi.json").body, &doc); err != nil {
		t.Fatal(err)
	}
	mux, formats := s.routes().(*http.ServeMux), doc.Components.Parameters.Format.Schema.Enum
	documented := map[string]bool{}
	for path, item := range doc.Paths {
		for method := range item {
			if method == "parameters" {
				continue
			}
			for _, format := range formats {
				at := strings.NewReplacer("{name}", "door", "{file}", "page.css", "{format}", format).Replace(path)
				r, err := http.NewRequest(strings.ToUpper(method), at, nil)
				if err != nil {
					t.Fatal(err)
				}
				_, pattern := mux.Handler(r)
				if pattern == "" {
					t.Errorf("%s %s is no route", method, at)
				}
				documented[pattern] = true
			}
		}
	}

	source, err := os.ReadFile("routes.go")
	if err != nil {
		t.Fatal(err)
	}
	routes := patternLiteral.FindAllSubmatch(source, -1)
	if len(routes) < 20 {
		t.Errorf("%d routes are found in routes.go", len(routes))
	}
	for _, route := range routes {
		if pattern := string(route[1]); !documented[pattern] {
			t.Errorf("%s is not documented", pattern)
		}
	}
	for _, ending := range endings {
		if !slices.Contains(formats, ending[1:]) {
			t.Errorf("the format %s is not documented", ending)
		}
	}
}
