package sink

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	// DefaultTemplate puts pictures at paths such as cam/2026-03-01/140203.250Z.jpg.
	DefaultTemplate = "{name}/{date}/{time}.{ext}"
	// DefaultLatest is the path of a second copy of a stream's newest picture.
	DefaultLatest = "{name}/latest.{ext}"

	// maxFileName leaves room for a number and for the name of an unfinished file in
	// the 255 bytes that file systems allow.
	maxFileName = 200
	// maxStreamName bounds the part of a path that stands for a stream's name.
	maxStreamName = 100
	// maxRecent bounds the paths that are remembered: only pictures of about the same
	// time can have the same path.
	maxRecent = 4096
)

var (
	timeWords     = []string{"date", "time", "year", "month", "day", "hour", "minute", "second", "millisecond", "unix"}
	templateWords = append([]string{"name", "ext"}, timeWords...)

	placeholder = regexp.MustCompile(`\{[a-z-]+\}`)
)

// layouts are those of package time. {time} has its zone, because a local time comes
// twice where summer ends.
var layouts = map[string]string{
	"date": time.DateOnly, "time": "150405.000Z0700",
	"year": "2006", "month": "01", "day": "02",
	"hour": "15", "minute": "04", "second": "05",
}

// Template makes the path of a picture, with slashes, from these placeholders:
//
//	{name}         the stream's name, with %XX for what does not fit into a file name
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

// ParseTemplate checks text; "" means [DefaultTemplate]. Times are in location; nil
// means UTC.
//
// The path must be relative, no element of it may be empty or begin with a dot, and it
// must contain date and time, at least to the second.
func ParseTemplate(text string, location *time.Location) (Template, error) {
	t := Template{text, location}
	if text == "" {
		return t, nil
	}
	found, err := checkPath(text)
	if err != nil {
		return Template{}, err
	}
	if !includeTime(found) {
		return Template{}, fmt.Errorf("template %q needs date and time to the second, as in %s", text, DefaultTemplate)
	}
	return t, nil
}

// ParseLatest checks the path at which a stream's newest picture is replaced; ""
// means [DefaultLatest]. It must contain {name}, may contain {ext}, and no time.
func ParseLatest(text string) (Template, error) {
	if text == "" {
		text = DefaultLatest
	}

	found, err := checkPath(text)
	if err != nil {
		return Template{}, err
	}
	if !slices.Contains(found, "name") {
		return Template{}, fmt.Errorf("template %q needs {name}: otherwise streams replace each other's picture", text)
	}

	for _, w := range found {
		if slices.Contains(timeWords, w) {
			return Template{}, fmt.Errorf("template %q: the newest picture has one fixed path, without {%s}", text, w)
		}
	}
	return Template{text: text}, nil
}

// ParseKey checks the path of pictures that may replace each other: it may contain any
// placeholders or none. "" means [DefaultTemplate].
func ParseKey(text string) (Template, error) {
	if _, err := checkPath(text); err != nil {
		return Template{}, err
	}
	return Template{text: text}, nil
}

// checkPath returns the placeholders of text.
func checkPath(text string) ([]string, error) {
	found, err := parsePlaceholders(text, templateWords)
	if err == nil {
		err = checkElements(text)
	}
	if err != nil {
		return nil, fmt.Errorf("template %q: %w", text, err)
	}
	return found, nil
}

func checkElements(text string) error {
	rest := fillPlaceholders(text, func(string) string { return "" })
	if strings.ContainsAny(rest, "{}\\:\x00") {
		return errors.New(`a single brace, a backslash or a colon is not allowed`)
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

// includesTime reports whether pictures of different seconds have different paths.
func (t Template) includesTime() bool {
	found, err := parsePlaceholders(t.String(), templateWords)
	return err == nil && includeTime(found)
}

func includeTime(found []string) bool {
	has := func(all ...string) bool {
		return !slices.ContainsFunc(all, func(w string) bool { return !slices.Contains(found, w) })
	}
	date := has("date") || has("year", "month", "day")
	clock := has("time") || has("hour", "minute", "second")
	return has("unix") || (date && clock)
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

	return fillPlaceholders(t.String(), func(word string) string {
		switch word {
		case "name":
			return fileName(p.Stream)
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

// fillPlaceholders replaces each {word} in text by the result of value.
func fillPlaceholders(text string, value func(word string) string) string {
	return placeholder.ReplaceAllStringFunc(text, func(p string) string { return value(p[1 : len(p)-1]) })
}

// parsePlaceholders returns the words in braces in text. All of them must be known.
func parsePlaceholders(text string, known []string) ([]string, error) {
	var found []string
	for _, p := range placeholder.FindAllString(text, -1) {
		w := p[1 : len(p)-1]
		if !slices.Contains(known, w) {
			return nil, fmt.Errorf("unknown placeholder %s; known are {%s}", p, strings.Join(known, "}, {"))
		}
		found = append(found, w)
	}
	return found, nil
}

// fileName makes a stream's name fit for one element of a path, on any file system and
// in any object store. Letters, digits, spaces and "-_.,+@=~()" stay. Every other byte
// becomes %XX, as do a dot, a dash or a space at the start and a dot or a space at the
// end. The result is cut at 100 bytes and then ends in a hash. Different names stay
// different on file systems that distinguish upper and lower case.
func fileName(stream string) string {
	var b strings.Builder
	for i, r := range stream {
		size := utf8.RuneLen(r)
		if r == utf8.RuneError {
			_, size = utf8.DecodeRuneInString(stream[i:])
		}
		text := stream[i : i+size]
		first, last := i == 0, i+size == len(stream)
		if isPlain(r) && !(first && strings.ContainsRune(".- ", r)) && !(last && strings.ContainsRune(". ", r)) {
			b.WriteString(text)
			continue
		}
		for j := range len(text) {
			fmt.Fprintf(&b, "%%%02X", text[j])
		}
	}
	return shortenName(b.String())
}

func isPlain(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) || strings.ContainsRune(" -_.,+@=~()", r))
}

func shortenName(name string) string {
	if len(name) <= maxStreamName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return strings.ToValidUTF8(name[:maxStreamName-17], "") + "~" + hex.EncodeToString(sum[:8])
}

// numberedPath returns the nth path, from 0, for pictures that would have the same.
func numberedPath(file string, n int) string {
	if n == 0 {
		return file
	}
	ext := path.Ext(file)
	return strings.TrimSuffix(file, ext) + "-" + strconv.Itoa(n) + ext
}

// recent gives each picture a path of its own in destinations that cannot be asked for
// existing names. The zero value is ready.
type recent struct {
	mu   sync.Mutex
	seen *simplelru.LRU[string, struct{}]
}

// distinctPath returns file, or the first numbered one that was not returned lately.
func (r *recent) distinctPath(file string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen, _ = simplelru.NewLRU[string, struct{}](maxRecent, nil) // fails only for size 0
	}
	name := file
	for n := 0; r.seen.Contains(name); n++ {
		name = numberedPath(file, n)
	}
	r.seen.Add(name, struct{}{})
	return name
}
