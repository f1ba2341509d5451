package credential

import (
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

func TestPassword(t *testing.T) {
	text, err := HashPassword("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	h, err := Parse(text)
	if err != nil || h.IsToken() {
		t.Fatalf("%v", err)
	}
	for secret, want := range map[string]bool{
		"correct horse": true, "correct hors": false, "": false, text: false, "correct horse" + strings.Repeat("\x00", 100): false,
	} {
		if h.Matches(secret) != want {
			t.Errorf("%q: %v", secret, !want)
		}
	}
	for _, secret := range []string{"", "1234567", strings.Repeat("x", MaxPassword+1)} {
		if _, err := HashPassword(secret); err == nil {
			t.Errorf("%q makes a hash", secret)
		}
	}
}

func TestToken(t *testing.T) {
	token, text := NewToken()
	other, _ := NewToken()
	h, err := Parse(text)
	if err != nil || !h.IsToken() || token == other || len(token) < 43 {
		t.Fatalf("%v", err)
	}
	for secret, want := range map[string]bool{token: true, other: false, "": false, token + "x": false, text: false} {
		if h.Matches(secret) != want {
			t.Errorf("%q: %v", secret, !want)
		}
	}
	if (Hash{}).Matches("") || (Hash{}).IsToken() {
		t.Error("no hash matches something")
	}
}

func TestParseFails(t *testing.T) {
	cheap, err := bcrypt.GenerateFromPassword([]byte("geheim"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"", "geheim", "sha256:", "sha256:geheim", "sha256:" + strings.Repeat("a", 66), "SHA256:" + strings.Repeat("a", 64), "$2a$10$short", string(cheap),
		"$2a$15$" + strings.Repeat("a", 53), "$apr1$x$geheim", "{SHA}geheim",
	} {
		if _, err := Parse(text); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
