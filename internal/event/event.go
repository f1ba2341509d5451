// Package event describes what happens to a stream that kfgrab grabs again and again: a
// picture was stored, the stream fails, or it is back. It is internal to kfgrab: whatever
// grabs on a schedule makes events, and logs, webhooks and commands report them.
//
// An [Event] is plain data with a JSON form. [Outage] counts the failures of a stream and
// makes the events [Failing] and [Recovered], one for each change. Package sink delivers
// events.
package event

import (
	"fmt"
	"strings"
	"time"
)

// Kind is the kind of an event: what happened.
type Kind string

// The kinds.
const (
	Picture   Kind = "picture"   // a picture was stored
	Failing   Kind = "failing"   // the stream has failed several times in a row
	Recovered Kind = "recovered" // the first success after Failing
)

// Kinds are all kinds.
var Kinds = []Kind{Picture, Failing, Recovered}

// ParseKind returns the kind with this name.
func ParseKind(name string) (Kind, error) {
	names := make([]string, 0, len(Kinds))
	for _, kind := range Kinds {
		if string(kind) == name {
			return kind, nil
		}
		names = append(names, string(kind))
	}
	return "", fmt.Errorf("unknown event %q: known are %s", name, strings.Join(names, ", "))
}

// Event is something that happened to a stream.
type Event struct {
	Kind   Kind   `json:"event"`
	Stream string `json:"stream"` // the stream's name, as the user gave it
	// Time is when a Picture was taken, or when the failure or the success was found.
	Time time.Time `json:"time"`
	URL  string    `json:"url"` // of the stream, redacted

	// These are of a Picture.
	MediaTime   time.Time `json:"media_time,omitzero"` // when the scene was, zero if unknown
	File        string    `json:"file,omitempty"`      // a path or an s3:// URL
	ContentType string    `json:"content_type,omitempty"`
	Size        int       `json:"size,omitempty"`  // in bytes
	Width       int       `json:"width,omitempty"` // 0 if unknown
	Height      int       `json:"height,omitempty"`

	// These are of Failing and Recovered.
	Since    time.Time `json:"since,omitzero"`     // the first of the failures
	Failures int       `json:"failures,omitempty"` // in a row
	Class    string    `json:"class,omitempty"`    // of the last failure
	Reason   string    `json:"reason,omitempty"`   // of the last failure, one line, redacted
}

// InUTC returns e with all times in UTC.
func (e Event) InUTC() Event {
	e.Time, e.MediaTime, e.Since = e.Time.UTC(), e.MediaTime.UTC(), e.Since.UTC()
	return e
}
