package serve

import "context"

// background grabs from the streams that have a schedule.
func (s *Server) background(ctx context.Context) {
	<-ctx.Done()
}
