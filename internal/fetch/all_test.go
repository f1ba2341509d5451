package fetch

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

// TestAll: a resource that is read to its end takes one request, without a
// range if it is the whole file.
func TestAll(t *testing.T) {
	data := noise(3 << 20)
	for _, c := range []struct {
		name string
		rng  Range
		want string
	}{
		{"a file", Range{All: true, First: 1000}, "[{0 -1 200 3145728}]"},
		{"its part", Range{All: true, Offset: 1000, Length: 2 << 20, Next: 5}, "[{1000 2097152 206 2097152}]"},
		{"its end", Range{All: true, Offset: 1000}, fmt.Sprintf("[{1000 %d 206 3144728}]", DefaultMaxBytes)},
	} {
		u := serve(t, ranged(data))
		r := client(t, u, nil).Open(within(t, testTime), u, c.rng)
		head, err := r.Peek(100)
		if err != nil || !bytes.Equal(head, data[c.rng.Offset:][:100]) {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		want := data[c.rng.Offset:]
		if c.rng.Length > 0 {
			want = want[:c.rng.Length]
		}
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", c.name, len(got), err)
		}
		if got := fmt.Sprint(r.Ranges()); got != c.want {
			t.Errorf("%s: ranges %s, want %s", c.name, got, c.want)
		}
	}
}
