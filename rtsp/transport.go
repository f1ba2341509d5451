package rtsp

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// repairTransport returns the Transport field of an answer to SETUP as gortsplib reads
// it, given that of the request (RFC 2326 12.39). Servers leave the field or the
// channels out, name one channel of two, write names in other cases and blanks
// between them, answer with RTP/AVPF, repeat several transports, and add host names
// and modes that gortsplib refuses (TestOddTransport).
func repairTransport(asked, answered string) string {
	if answered == "" {
		return asked
	}
	if i := strings.Index(strings.ToUpper(answered), ",RTP/"); i >= 0 {
		answered = answered[:i]
	}

	want, got := parseTransport(asked), parseTransport(answered)
	interleaved := got["interleaved"] != ""
	if got["profile"] == "" {
		got["profile"] = want["profile"]
	}
	if strings.Contains(want["profile"], "TCP") && (interleaved || !got.names("server_port", "client_port", "port", "multicast")) {
		got["profile"] = want["profile"]
	}

	parts := []string{got["profile"]}
	for _, delivery := range []string{"unicast", "multicast"} {
		if got.names(delivery) {
			parts = append(parts, delivery)
		}
	}
	for _, name := range []string{"source", "destination"} {
		if net.ParseIP(got[name]) != nil {
			parts = append(parts, name+"="+got[name])
		}
	}
	for _, name := range []string{"interleaved", "port", "client_port", "server_port"} {
		limit := 1<<16 - 1
		if name == "interleaved" {
			limit = 1<<8 - 1
		}
		pair := pairOf(got[name], limit)
		if pair == "" && name == "interleaved" && strings.Contains(got["profile"], "TCP") {
			pair = want[name]
		}
		if pair != "" {
			parts = append(parts, name+"="+pair)
		}
	}
	if _, err := strconv.ParseUint(got["ssrc"], 16, 32); err == nil {
		parts = append(parts, "ssrc="+got["ssrc"])
	}
	return strings.Join(parts, ";")
}

// transportFields are the parts of a Transport field by their names in lower case,
// and "profile".
type transportFields map[string]string

func parseTransport(text string) transportFields {
	t := transportFields{}
	for part := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(part, "=")
		name = strings.TrimSpace(name)
		if upper := strings.ToUpper(name); strings.HasPrefix(upper, "RTP/") {
			t["profile"] = strings.Replace(upper, "AVPF", "AVP", 1)
			continue
		}
		t[strings.ToLower(name)] = strings.Trim(value, "\" \t")
	}
	return t
}

// names reports whether one of these names is there.
func (t transportFields) names(names ...string) bool {
	for _, name := range names {
		if _, found := t[name]; found {
			return true
		}
	}
	return false
}

// pairOf reads "6970-6971", or "6970" for the same. The second one always follows the
// first. It returns "" for anything else.
func pairOf(text string, limit int) string {
	first, _, _ := strings.Cut(text, "-")
	n, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || n < 0 || n >= limit {
		return ""
	}
	return fmt.Sprintf("%d-%d", n, n+1)
}

// repairSession returns a Session field without blanks, and without a timeout that is
// no number of seconds.
func repairSession(text string) string {
	id, parameters, _ := strings.Cut(text, ";")
	id = strings.TrimSpace(id)
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(p, "=")
		if seconds, err := strconv.ParseUint(strings.TrimSpace(value), 10, 31); err == nil && strings.EqualFold(strings.TrimSpace(name), "timeout") {
			return fmt.Sprintf("%s;timeout=%d", id, seconds)
		}
	}
	return id
}
