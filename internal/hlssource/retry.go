package hlssource

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/sourcekind"
	"github.com/kfgrab/kfgrab/keyframe"
)

// A remedy is something to try after an error.
type remedy uint16

const (
	anotherSegment   remedy = 1 << iota // the segment next to the one that failed
	earlierSegment                      // the keyframe that this segment's pictures depend on
	sameSegment                         // once more, if none of its pictures came
	freshKey                            // the key, fetched again
	anotherAddress                      // an alternate of the variant
	masterPlaylist                      // another choice from it, if the media playlist known is not there
	wholePlaylist                       // instead of its end or a delta update
	variantItself                       // instead of its I-frame playlist
	insteadOfImages                     // the variant itself, instead of its image playlist
	fartherSegment                      // segments beyond the next one
	laterSegment                        // one that is still to come, on a live stream
	anotherRendition                    // a variant with other media
	wholeSegment                        // what lies beyond the range of an I-frame
)

// failure is the kind of an error, as far as what to try next depends on it.
type failure uint8

const (
	stopped        failure = iota // the context is done
	overBudget                    // the bytes of the grab are used up
	notModified                   // there is no newer keyframe
	refusedOption                 // an option asks for what the stream does not have
	keyRefused                    // 401 or 403 for a key: all segments need it
	keyMissing                    // another 4xx for a key
	protected                     // rights management
	unsupported                   // a codec, encryption or size that is not read
	noVideo                       // only audio or text, or nothing that is known
	unauthorised                  // 401
	proxyRefused                  // 407
	refused                       // another 4xx: missing, gone, or the token in the address has run out
	busy                          // 429, 5xx and the rest
	slow                          // not done while an alternate waited
	transferFailed                // the network, or broken HTTP
	wrongKey                      // it decrypts to nothing sensible
	noKeyframe                    // the data is sound and has none
	damaged                       // anything else
)

// remedies lists what may help against each failure. The caller decides which of these
// apply in its place, and how often.
var remedies = [...]remedy{
	stopped:        0,
	overBudget:     0,
	notModified:    0,
	refusedOption:  0,
	keyRefused:     0,
	keyMissing:     wholePlaylist | masterPlaylist | anotherSegment | sameSegment | variantItself | insteadOfImages | anotherAddress,
	protected:      wholePlaylist | insteadOfImages,
	unsupported:    wholePlaylist | insteadOfImages | anotherRendition,
	noVideo:        wholePlaylist | anotherSegment | variantItself | insteadOfImages | earlierSegment | anotherRendition,
	unauthorised:   wholePlaylist | masterPlaylist,
	proxyRefused:   wholePlaylist | masterPlaylist | anotherSegment | sameSegment | variantItself | insteadOfImages,
	refused:        wholePlaylist | masterPlaylist | anotherSegment | fartherSegment | sameSegment | variantItself | insteadOfImages | anotherAddress,
	busy:           wholePlaylist | anotherSegment | sameSegment | variantItself | insteadOfImages | anotherAddress,
	slow:           wholePlaylist | anotherSegment | variantItself | insteadOfImages | anotherAddress,
	transferFailed: wholePlaylist | anotherSegment | sameSegment | variantItself | insteadOfImages | anotherAddress,
	wrongKey:       wholePlaylist | anotherSegment | variantItself | insteadOfImages | freshKey,
	noKeyframe:     wholePlaylist | anotherSegment | variantItself | insteadOfImages | earlierSegment | fartherSegment | laterSegment,
	damaged:        wholePlaylist | anotherSegment | variantItself | insteadOfImages | wholeSegment,
}

// mayHelp reports whether it is worth trying r after err, which occurred under ctx.
func mayHelp(ctx context.Context, err error, r remedy) bool {
	return err != nil && remedies[failureOf(ctx, err)]&r != 0
}

func failureOf(ctx context.Context, err error) failure {
	var status *fetch.StatusError
	var late *neterror.TimeoutError
	var transfer *fetch.Error
	var empty *noVideoError
	var option *sourcekind.Error

	switch {
	case ctx.Err() != nil:
		return stopped
	case errors.Is(err, fetch.ErrBudget): // before ErrNotFound, which it wraps
		return overBudget
	case errors.Is(err, keyframe.ErrNotModified):
		return notModified
	case errors.As(err, &option):
		return refusedOption
	case errors.Is(err, errProtected):
		return protected
	case errors.As(err, &empty):
		return noVideo
	case errors.Is(err, keyframe.ErrUnsupported):
		return unsupported
	case errors.As(err, &status):
		return statusFailure(status.Code, errors.Is(err, errNoKey))
	case errors.As(err, &late):
		return slow
	case errors.As(err, &transfer):
		return transferFailed
	case errors.Is(err, errWrongKey):
		return wrongKey
	case errors.Is(err, keyframe.ErrNotFound):
		return noKeyframe
	}
	return damaged
}

func statusFailure(code int, ofKey bool) failure {
	switch {
	case ofKey && (code == http.StatusUnauthorized || code == http.StatusForbidden):
		return keyRefused
	case code == http.StatusUnauthorized:
		return unauthorised
	case code == http.StatusProxyAuthRequired:
		return proxyRefused
	case code/100 == 4 && code != http.StatusTooManyRequests && ofKey:
		return keyMissing
	case code/100 == 4 && code != http.StatusTooManyRequests:
		return refused
	}
	return busy
}

// noVideoError wraps the error of a rendition in which no video was found that can be
// read.
type noVideoError struct{ err error }

func (e *noVideoError) Error() string { return e.err.Error() }
func (e *noVideoError) Unwrap() error { return e.err }

// explainTracks makes err a noVideoError if that is what the tracks that were found
// show: they are known, and none is of video.
func explainTracks(err error, tracks []keyframe.Track) error {
	if !errors.Is(err, keyframe.ErrNotFound) || errors.Is(err, fetch.ErrBudget) || len(tracks) == 0 {
		return err
	}
	for _, t := range tracks {
		if t.Type == "video" {
			return err
		}
	}
	return &noVideoError{err}
}

var (
	errProtected = fmt.Errorf("%w: the segments are encrypted with", keyframe.ErrUnsupported)
	errNoKey     = errors.New("cannot fetch the decryption key")
	errWrongKey  = fmt.Errorf("%w: decryption failed: wrong key or IV", keyframe.ErrCorrupt)
	errNoBlocks  = fmt.Errorf("%w: the encrypted segment is not a whole number of blocks", keyframe.ErrCorrupt)
)
