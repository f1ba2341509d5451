package netrc

import "testing"

func TestFind(t *testing.T) {
	const file = `# cameras
machine door.example login admin password secret
machine gate.example
	login "front gate"
	password "a \"b\" \\ #c"
macdef init
machine other.example login macro password macro

machine hash.example login me password p#w
default login anybody password anything
machine late.example login late password late
`
	for host, want := range map[string]Entry{
		"door.example":  {"admin", "secret"},
		"DOOR.example":  {"admin", "secret"},
		"gate.example":  {"front gate", `a "b" \ #c`},
		"hash.example":  {"me", "p#w"},
		"other.example": {"anybody", "anything"},
		"late.example":  {"anybody", "anything"},
	} {
		if got, found := Find(file, host); got != want || !found {
			t.Errorf("%s: %+v, %v, want %+v", host, got, found, want)
		}
	}
	for _, text := range []string{"", "machine", "machine other.example login a", `machine "`, "macdef x", "login a password b"} {
		if got, found := Find(text, "door.example"); found {
			t.Errorf("%q: %+v", text, got)
		}
	}
}
