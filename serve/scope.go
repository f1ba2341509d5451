package serve

import (
	"context"
	"net/http"
)

// clientKey is that of a request's *client, where it may not see everything.
type clientKey struct{}

// scope returns the names of the streams that are to be seen; nil for all.
func scope(ctx context.Context) map[string]bool {
	if c, ok := ctx.Value(clientKey{}).(*client); ok {
		return c.streams
	}
	return nil
}

// visible returns the streams that who asks may see.
func (s *Server) visible(r *http.Request) []*camera {
	all, names := s.streams.Load().list, scope(r.Context())
	if names == nil {
		return all
	}
	var list []*camera
	for _, c := range all {
		if names[c.conf.Name] {
			list = append(list, c)
		}
	}
	return list
}

// named returns a stream. Who may not see it is not told whether it is there.
func (s *Server) named(r *http.Request, name string) (*camera, error) {
	if names := scope(r.Context()); names != nil && !names[name] {
		return nil, &httpError{http.StatusForbidden, "this stream is not for you: /streams lists those that are"}
	}
	if c := s.streams.Load().byName[name]; c != nil {
		return c, nil
	}
	return nil, notFound("there is no stream %.60q: /streams lists them", name)
}

// forAll is for what tells of all streams.
func (s *Server) forAll(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if scope(r.Context()) != nil {
			return &httpError{http.StatusForbidden, "this is for those who may see all streams"}
		}
		return h(w, r)
	}
}
