package serve

import "net/http"

// The values of headers that every answer has: shared, as they are not changed.
var (
	noSniff    = []string{"nosniff"}
	noReferrer = []string{"no-referrer"}
	// contentPolicy is for what is no page, but may be looked at like one.
	contentPolicy = []string{"default-src 'none'; img-src 'self'; media-src 'self'; frame-ancestors 'self'"}
	frameOptions  = []string{"SAMEORIGIN"} // for browsers that do not know frame-ancestors
)

func secure(h http.Header) {
	h["X-Content-Type-Options"] = noSniff
	h["Referrer-Policy"] = noReferrer
	h["Content-Security-Policy"] = contentPolicy
	h["X-Frame-Options"] = frameOptions
}
