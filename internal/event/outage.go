package event

import "time"

// DefaultFailingAfter is how many failures in a row make a stream count as failing. One
// lost packet or a server's restart rarely spoils three grabs.
const DefaultFailingAfter = 3

// Outage has the failures of a stream since its last success. The zero value is for a
// stream that does not fail. It is to be stored when the process ends.
type Outage struct {
	Since    time.Time `json:"since,omitzero"` // the first failure
	Failures int       `json:"failures,omitempty"`
	Class    string    `json:"class,omitempty"`  // of the last failure
	Reason   string    `json:"reason,omitempty"` // of the last failure, one line, redacted
	// Reported means that there was a Failing event, and is to be a Recovered one.
	Reported bool `json:"reported,omitempty"`
}

// AddFailure counts a failure at now. It returns an event, without the stream, if this is
// the failure that makes the stream count as failing: the one with the number after, or a
// later one if after was changed meanwhile. If after is 0, there never is one.
func (o *Outage) AddFailure(now time.Time, class, reason string, after int) (e Event, ok bool) {
	if o.Failures == 0 {
		o.Since = now
	}
	o.Failures++
	o.Class, o.Reason = class, reason
	if o.Reported || after == 0 || o.Failures < after {
		return Event{}, false
	}
	o.Reported = true
	return o.event(Failing, now), true
}

// AddSuccess ends the outage at now. It returns an event, without the stream, if there was
// one of Failing.
func (o *Outage) AddSuccess(now time.Time) (e Event, ok bool) {
	e, ok = o.event(Recovered, now), o.Reported
	*o = Outage{}
	return e, ok
}

func (o *Outage) event(kind Kind, now time.Time) Event {
	return Event{Kind: kind, Time: now, Since: o.Since, Failures: o.Failures, Class: o.Class, Reason: o.Reason}
}
