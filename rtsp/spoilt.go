package rtsp

// spoilt counts keyframes that were thrown away for a hole in them.
type spoilt struct {
	count       int
	first, last int64 // ticks
	here        bool  // the access unit being gathered is counted already
}

func (s *spoilt) add(ticks int64) {
	if s.here {
		return
	}
	if s.count == 0 {
		s.first = ticks
	}
	s.count, s.last, s.here = s.count+1, ticks, true
}
