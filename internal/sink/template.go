package sink

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// DefaultTemplate is where pictures go: cam/2026-03-01/140203.250Z.jpg.
	DefaultTemplate = "{name}/{date}/{time}.{ext}"
	// DefaultLatest is where a stream's newest picture is found as well.
	DefaultLatest = "{name}/latest.{ext}"
)

var (
	timeWords     = []string{"date", "time", "year", "month", "day", "hour", "minute", "second", "millisecond", "unix"}
	templateWords = append([]string{"name", "ext"}, timeWords...)
)

// Template makes the path of a picture, with slashes, from these placeholders:
//
//	{name}         the stream's name, by [FileName]
//	{date}         2026-03-01
//	{time}         140203.250Z, local 150203.250+0100
//	{year} {month} {day} {hour} {minute} {second} {millisecond}
//	               of four, two and three digits
//	{unix}         seconds since 1970
//	{ext}          jpg, png, …
//
// The zero value is [DefaultTemplate] in UTC.
type Template struct {
	text     string
	location *time.Location
}

// ParseTemplate checks text; "" means [DefaultTemplate]. Times are of the location,
// where nil means UTC.
//
// The path is a relative one, no element of which is empty or begins with a dot, and
// it tells date and time, to the second at least. The error says what is wrong.
func ParseTemplate(text string, location *time.Location) (Template, error) {
	t := Template{text, location}
	if text == "" {
		return t, nil
	}
	found, err := checkPath(text)
	if err != nil {
		return Template{}, err
	}
	if !tellTime(found) {
		return Template{}, fmt.Errorf("template %q does not tell the time to the second, as %s does", text, DefaultTemplate)
	}
	return t, nil
}

// ParseLatest checks the path at which a stream's newest picture is replaced; ""
// means [DefaultLatest]. It has {name}, may have {ext}, and no time.
func ParseLatest(text string) (Template, error) {
	if text == "" {
		text = DefaultLatest
	}
	found, err := checkPath(text)
	if err != nil {
		return Template{}, err
	}
	if !slices.Contains(found, "name") {
		return Template{}, fmt.Errorf("template %q has no {name}: streams would replace each other's", text)
	}
	for _, w := range found {
		if slices.Contains(timeWords, w) {
			return Template{}, fmt.Errorf("template %q: the newest picture stays at one place, without {%s}", text, w)
		}
	}
	return Template{text: text}, nil
}

// ParseKey checks the path of pictures that need not be kept apart, with any of the
// placeholders or none; "" means [DefaultTemplate]. Where it does not tell the time each picture replaces the one
// before.
func ParseKey(text string) (Template, error) {
	if _, err := checkPath(text); err != nil {
		return Template{}, err
	}
	return Template{text: text}, nil
}

// checkPath returns the placeholders of text.
func checkPath(text string) ([]string, error) {
	found, err := words(text, templateWords)
	if err != nil {
		return nil, fmt.Errorf("template %q: %w", text, err)
	}
	if err := checkElements(text); err != nil {
		return nil, fmt.Errorf("template %q: %w", text, err)
	}
	return found, nil
}

func checkElements(text string) error {
	if rest := fill(text, func(string) string { return "" }); strings.ContainsAny(rest, "{}\\:\x00") {
		return errors.New(`a brace alone, a backslash or a colon cannot be in it`)
	}
	if path.IsAbs(text) {
		return errors.New("the path must be relative to the destination")
	}
	sample := Picture{Stream: strings.Repeat("x", maxStreamName), Extension: ".jpeg"}
	for _, element := range strings.Split(Template{text: text}.Path(&sample), "/") {
		switch {
		case element == "":
			return errors.New("an element of the path is empty")
		case strings.HasPrefix(element, "."):
			return fmt.Errorf("an element of the path begins with a dot: %q", element)
		case len(element) > maxFileName:
			return fmt.Errorf("an element of the path can be longer than %d bytes", maxFileName)
		}
	}
	return nil
}

// tellsTime says whether a picture of another second has another path.
func (t Template) tellsTime() bool {
	found, err := words(t.String(), templateWords)
	return err == nil && tellTime(found)
}

func tellTime(found []string) bool {
	has := func(all ...string) bool {
		return !slices.ContainsFunc(all, func(w string) bool { return !slices.Contains(found, w) })
	}
	date := has("date") || has("year", "month", "day")
	return has("unix") || date && (has("time") || has("hour", "minute", "second"))
}

// String returns the text.
func (t Template) String() string {
	if t.text == "" {
		return DefaultTemplate
	}
	return t.text
}

// Path returns the path of p.
func (t Template) Path(p *Picture) string {
	taken := p.Time.UTC()
	if t.location != nil {
		taken = p.Time.In(t.location)
	}
	return fill(t.String(), func(word string) string {
		switch word {
		case "name":
			return FileName(p.Stream)
		case "ext":
			return strings.TrimPrefix(p.Extension, ".")
		case "unix":
			return strconv.FormatInt(taken.Unix(), 10)
		case "millisecond":
			return fmt.Sprintf("%03d", taken.Nanosecond()/int(time.Millisecond))
		}
		return taken.Format(layouts[word])
	})
}

// layouts are those of package time. A time tells its zone, as a local one comes
// twice where summer ends.
var layouts = map[string]string{
	"date": time.DateOnly, "time": "150405.000Z0700",
	"year": "2006", "month": "01", "day": "02",
	"hour": "15", "minute": "04", "second": "05",
}

// numbered returns the nth path for pictures that would have the same, from 0.
func numbered(file string, n int) string {
	if n == 0 {
		return file
	}
	ext := path.Ext(file)
	return strings.TrimSuffix(file, ext) + "-" + strconv.Itoa(n) + ext
}
