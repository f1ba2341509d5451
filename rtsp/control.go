package rtsp

import (
	"net/url"
	"slices"
	"strings"
)

// baseURL returns what control attributes are relative to: Content-Base, else
// Content-Location, else the URL of DESCRIBE (RFC 2326 C.1.1). Some cameras leave out
// the scheme, or name a host of their own network: the host is that of asked
// (TestContentBase).
func baseURL(asked *url.URL, contentBase, contentLocation string) *url.URL {
	for _, text := range []string{contentBase, contentLocation} {
		if text = strings.TrimSpace(text); text == "" || text == "*" {
			continue
		}
		if !strings.Contains(text, "://") && !strings.HasPrefix(text, "/") {
			text = "//" + text
		}
		if u, err := asked.Parse(text); err == nil {
			return onHostOf(asked, u)
		}
	}
	return onHostOf(asked, asked)
}

// onHostOf returns u on scheme and host of asked, without credentials.
func onHostOf(asked, u *url.URL) *url.URL {
	c := withoutFragment(u)
	c.Scheme, c.Host, c.User = asked.Scheme, asked.Host, nil
	return c
}

// controlURLs returns what a control attribute may mean, the likeliest first. An
// absolute path replaces that of base (RFC 3986 5.2). A relative one is appended to
// base, which servers mean as a folder without writing the slash at its end; after a
// query, too. Each may be meant as the other (TestControl).
func controlURLs(base *url.URL, control string) []*url.URL {
	control = strings.TrimSpace(control)
	if control == "" || control == "*" {
		return []*url.URL{base}
	}

	var list []*url.URL
	add := func(u *url.URL, err error) {
		if err != nil {
			return
		}
		u = onHostOf(base, u)
		if !slices.ContainsFunc(list, func(other *url.URL) bool { return *other == *u }) {
			list = append(list, u)
		}
	}

	resolved, err := base.Parse(control)
	if strings.Contains(control, "://") {
		add(resolved, err)
		return list
	}
	if strings.HasPrefix(control, "/") || strings.HasPrefix(control, "?") {
		add(resolved, err)
	}
	add(url.Parse(appendControl(base.String(), control)))
	add(resolved, err)
	return list
}

// appendControl writes control after base, with one slash in between.
func appendControl(base, control string) string {
	if strings.HasPrefix(control, "?") {
		return base + control
	}
	return strings.TrimSuffix(base, "/") + "/" + strings.TrimPrefix(control, "/")
}
