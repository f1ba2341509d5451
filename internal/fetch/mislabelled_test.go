package fetch

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// mislabelling answers ranges of a file in a wrong way; without Range it sends all.
func mislabelling(data []byte, sized bool, part func(from, to int64) (contentRange string, body []byte)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") == "" {
			unranged(data, sized)(w, r)
			return
		}
		from, to := asked(r)
		label, body := part(from, min(to, int64(len(data))))
		if label != "" {
			w.Header().Set("Content-Range", label)
		}
		if sized {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		}
		w.WriteHeader(http.StatusPartialContent)
		w.(http.Flusher).Flush()
		w.Write(body)
	}
}

// TestMislabelledParts: whatever a 206 says that it is, no reader gets other bytes
// than those of the file.
func TestMislabelledParts(t *testing.T) {
	data := noise(20_000)
	all := len(data)
	tests := []struct {
		name string
		part func(from, to int64) (string, []byte)
	}{
		{"the whole file as the part", func(from, to int64) (string, []byte) {
			return fmt.Sprintf("bytes %d-%d/%d", from, to-1, all), data
		}},
		{"the whole file, and its size is not named", func(from, to int64) (string, []byte) {
			return fmt.Sprintf("bytes %d-%d/*", from, to-1), data
		}},
		{"characters counted as bytes", func(from, to int64) (string, []byte) {
			return fmt.Sprintf("bytes 0-%d/%d", all/2-1, all/2), data
		}},
		{"the end is not included", func(from, to int64) (string, []byte) {
			return fmt.Sprintf("bytes %d-%d/%d", from, to-1, all), data[from : to-1]
		}},
		{"one byte too many", func(from, to int64) (string, []byte) {
			return fmt.Sprintf("bytes %d-%d/%d", from, max(from, to-2), all), data[from:to]
		}},
		{"another range", func(from, to int64) (string, []byte) {
			return fmt.Sprintf("bytes %d-%d/%d", to, to+9, all+100), data[:10]
		}},
		{"no range named", func(from, to int64) (string, []byte) { return "", data[:10] }},
	}
	parts := []Range{
		{},
		{First: 1000, Next: 1000},
		{Offset: 3000, Length: 5000, First: 1000, Next: 2000},
		{Offset: 3000, Length: 5000, All: true},
		{Offset: 19_000, Length: 1000},
	}
	for _, tt := range tests {
		for _, sized := range []bool{true, false} {
			for _, part := range parts {
				t.Run(fmt.Sprintf("%s, sized %v, %d@%d", tt.name, sized, part.Length, part.Offset), func(t *testing.T) {
					u := serve(t, mislabelling(data, sized, tt.part))
					r := client(t, u, nil).Open(within(t, testTime), u, part)
					defer r.Close()
					want := data[part.Offset:]
					if part.Length > 0 {
						want = want[:part.Length]
					}
					got, err := io.ReadAll(r)
					if err == nil && !bytes.Equal(got, want) {
						t.Errorf("%d bytes, not those of the file", len(got))
					}
					if err != nil && (sized || tt.name != "the end is not included") {
						t.Error(err) // chunks that end early are an error, as after a broken connection
					}
				})
			}
		}
	}
}
