package rtsp

import "testing"

// TestStatusHints: every status that servers send in practice comes with advice; those of
// 401 and 461 depend on the conversation.
func TestStatusHints(t *testing.T) {
	for _, code := range []int{400, 403, 404, 405, 407, 410, 453, 454, 455, 500, 501, 502, 503, 504, 505} {
		if statusHint(code) == "" {
			t.Errorf("no hint for %d", code)
		}
	}
	if hint := statusHint(299); hint != "" {
		t.Errorf("a hint for 299: %s", hint)
	}
}
