package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// WriteFiles writes the report, in Markdown, the results, in JSON, and the chart,
// in PNG. An empty name leaves a file out; without its own the report goes to
// standard output.
func (r *Results) WriteFiles(report, results, chart string) error {
	text := r.markdown(chart)
	if report == "" {
		fmt.Print(text)
	} else if err := os.WriteFile(report, []byte(text), 0o644); err != nil {
		return err
	}
	if results != "" {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetIndent("", " ")
		e.SetEscapeHTML(false)
		if err := e.Encode(r); err != nil {
			return err
		}
		if err := os.WriteFile(results, b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	if chart != "" {
		return r.writeChart(chart)
	}
	return nil
}

// ReadResults reads the JSON that WriteFiles writes.
func ReadResults(file string) (*Results, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := &Results{}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}
