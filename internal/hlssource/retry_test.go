package hlssource

import (
	"context"
	"fmt"
	"testing"

	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestRemedies: each error has its remedies. The columns are the fields of
// remedy.
func TestRemedies(t *testing.T) {
	status := func(code int) error { return fmt.Errorf("a: %w", &fetch.StatusError{Code: code}) }
	ofKey := func(err error) error { return fmt.Errorf("%w: %w", errNoKey, err) }
	transfer := &fetch.Error{Msg: "connection reset"}
	done, cancel := context.WithCancel(t.Context())
	cancel()

	for _, tt := range []struct {
		name string
		ctx  context.Context
		err  error
		want string
	}{
		// segment earlier same key address master whole variant images farther later rendition Whole
		{"no error", t.Context(), nil, "-------------"},
		{"the context is done", done, transfer, "-------------"},
		{"the budget is spent", t.Context(), fetch.ErrBudget, "-------------"},
		{"nothing newer", t.Context(), keyframe.ErrNotModified, "-------------"},
		{"401 for a key", t.Context(), ofKey(status(401)), "-------------"},
		{"403 for a key", t.Context(), ofKey(status(403)), "-------------"},
		{"404 for a key", t.Context(), ofKey(status(404)), "s-S-amwvi----"},
		{"rights management", t.Context(), fmt.Errorf("%w FairPlay", errProtected), "------w-i----"},
		{"only audio", t.Context(), &noVideoError{keyframe.ErrNotFound}, "se----wvi--r-"},
		{"a codec that is not read", t.Context(), keyframe.ErrUnsupported, "------w-i--r-"},
		{"a document too large", t.Context(), fetch.ErrTooLarge, "------w-i--r-"},
		{"401", t.Context(), status(401), "-----mw------"},
		{"407", t.Context(), status(407), "s-S--mwvi----"},
		{"403", t.Context(), status(403), "s-S-amwvif---"},
		{"404", t.Context(), status(404), "s-S-amwvif---"},
		{"410", t.Context(), status(410), "s-S-amwvif---"},
		{"429", t.Context(), status(429), "s-S-a-wvi----"},
		{"503", t.Context(), status(503), "s-S-a-wvi----"},
		{"a redirect that leads nowhere", t.Context(), status(302), "s-S-a-wvi----"},
		{"slow while there is an alternate", t.Context(), neterror.NotDone(maxPatience), "s---a-wvi----"},
		{"the connection breaks", t.Context(), fmt.Errorf("segment: %w", transfer), "s-S-a-wvi----"},
		{"the connection for a key breaks", t.Context(), ofKey(transfer), "s-S-a-wvi----"},
		{"the wrong key", t.Context(), errWrongKey, "s--k--wvi----"},
		{"no keyframe", t.Context(), keyframe.ErrNotFound, "se----wvifl--"},
		{"damaged", t.Context(), keyframe.ErrCorrupt, "s-----wvi---W"},
		{"of another kind", t.Context(), errNoKey, "s-----wvi---W"},
	} {
		got := ""
		for i, letter := range "seSkamwviflrW" {
			got += letterIf(mayHelp(tt.ctx, tt.err, 1<<i), letter)
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func letterIf(ok bool, letter rune) string {
	if ok {
		return string(letter)
	}
	return "-"
}
