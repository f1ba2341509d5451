package serve

import "net/http"

// wall answers GET /.
func (s *Server) wall(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, "/streams", http.StatusTemporaryRedirect)
	return nil
}

// view answers GET /streams/{name}/view.
func (s *Server) view(w http.ResponseWriter, r *http.Request, c *camera) error {
	http.Redirect(w, r, "snapshot.jpg", http.StatusTemporaryRedirect)
	return nil
}
