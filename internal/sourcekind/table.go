package sourcekind

import "slices"

// refusal is why some kinds cannot honour an option.
type refusal struct {
	kinds  Set
	reason string
}

// table lists for each option of kfgrab.Options, by its name, the kinds that cannot
// honour it. All others do. The size of the picture is honoured everywhere, by scaling,
// and so is the codec, by refusing others.
var table = map[string][]refusal{
	"At": {
		{RTSP | Datagrams, "a live stream without a playlist has no past to go back to"},
		{Raw, "a raw byte stream has no times to seek to"},
	},
	"AtClock": {
		{RTSP | Datagrams, "a live stream without a playlist has no past to go back to"},
		{All &^ HLS, "only HLS has times of day (EXT-X-PROGRAM-DATE-TIME)"},
	},
	"Edge":                   {{All &^ HLS, "only an HLS playlist has an edge to choose a keyframe from"}},
	"EdgeNext":               {{RecordedHLS, "nothing follows a recording, whose playlist has ended"}},
	"Rendition":              {{All &^ HLS, "only HLS has renditions to choose from"}},
	"MaxBandwidth":           {{All &^ HLS, "only HLS has renditions to choose from"}},
	"AllowTiles":             {{All &^ HLS, "only HLS has ready-made tiles"}},
	"Program":                {{All &^ TS, "only MPEG-TS has programs to choose from"}},
	"MaxBytes":               {{Local, "a local file is not fetched, so that there is nothing to bound"}},
	"Header":                 {{All &^ Web, "only http and https requests have headers to add to"}},
	"HeadersEverywhere":      {{All &^ Web, "only http and https requests have headers to add to"}},
	"UserAgent":              {{Local | Pipe | Datagrams, "there is no server to tell it to"}},
	"Proxy":                  {{Local | Pipe, "there is no server to connect to"}, {Datagrams, "datagrams do not pass a proxy: udp needs a direct connection"}},
	"InsecureTLS":            {{Local | Pipe | Datagrams, "there is no server with a certificate"}},
	"RootCAs":                {{Local | Pipe | Datagrams, "there is no server with a certificate"}},
	"TLSFingerprint":         {{Local | Pipe | Datagrams, "there is no server with a certificate"}},
	"RTSP.Transport":         {{All &^ RTSP, "only RTSP has transports to choose from"}},
	"RTSP.KeyframeTimeout":   {{All &^ RTSP, "only RTSP has a server that sends keyframes when it likes"}},
	"RTSP.NoKeyframeRequest": {{All &^ RTSP, "only RTSP servers are asked for keyframes"}},
	"RTSP.KeepSession":       {{All &^ RTSP, "only RTSP has sessions"}},
}

// Options returns the names of all options in the table.
func Options() []string {
	names := make([]string, 0, len(table))
	for name := range table {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Error says that a source cannot honour an option, or not this value of it.
type Error struct {
	Option string // its name in kfgrab.Options
	Reason string
}

func (e *Error) Error() string { return e.Reason }

// Check returns an *Error if none of the kinds that a source may be honours the option.
// Options without a row are honoured by all.
func Check(option string, possible Set) error {
	refused, reason := Set(0), ""
	for _, r := range table[option] {
		if refused |= r.kinds; reason == "" && r.kinds&possible != 0 {
			reason = r.reason
		}
	}
	if possible == 0 || possible&^refused != 0 {
		return nil
	}
	return &Error{Option: option, Reason: reason}
}

// CodecError says that the stream does not have the codec that was asked for.
type CodecError struct{ Err error }

func (e *CodecError) Error() string { return e.Err.Error() }
func (e *CodecError) Unwrap() error { return e.Err }
