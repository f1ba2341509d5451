package hlssource

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

// The methods of EXT-X-KEY that are read (RFC 8216 4.3.2.4; SAMPLE-AES-CTR:
// draft-pantos-hls-rfc8216bis 4.4.4.4).
const (
	methodWhole   = "AES-128"        // the segment is encrypted from end to end
	methodSamples = "SAMPLE-AES"     // parts of the samples are, with CBC
	methodCTR     = "SAMPLE-AES-CTR" // parts of the samples are, with CTR: fMP4 only
)

const (
	// maxKeyBytes bounds the answer to a request for a key, which has 16 bytes: a
	// longer one is an error page.
	maxKeyBytes = 512

	// maxKnownKeys bounds the keys that are remembered. A grab needs two at most:
	// of the segment, and of its initialisation section.
	maxKnownKeys = 8
)

// systems are the names of digital rights management systems by their key formats.
var systems = map[string]string{
	"com.apple.streamingkeydelivery":                "FairPlay",
	"com.microsoft.playready":                       "PlayReady",
	"urn:uuid:9a04f079-9840-4286-ab92-e65be0885f95": "PlayReady",
	"com.widevine":                                  "Widevine",
	"urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed": "Widevine",
	"org.w3.clearkey":                               "ClearKey",
	"urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e": "ClearKey",
}

// protection is how data is encrypted. The zero value means not at all.
type protection struct {
	method string
	key    []byte
	block  cipher.Block
	iv     [aes.BlockSize]byte
}

// open returns the plain content of seg, whose data is r. For an I-frame that is a
// part of a segment encrypted as a whole, r is widened.
func (p protection) open(r content, seg *hls.Segment) content {
	switch {
	case p.method != methodWhole:
		return r
	case seg.IsIFrame:
		b := *seg.ByteRange
		return newSealedPart(r, p.block, p.iv, b.Offset-widen(b).Offset, b.Length)
	}
	return newSealed(r, p.block, p.iv)
}

// wholeBlocks extends rng, a range of seg, to whole blocks, so that half a block at its
// end does not cost another range.
func (p protection) wholeBlocks(rng fetch.Range, seg *hls.Segment) fetch.Range {
	if seg.IsIFrame {
		wide := widen(*seg.ByteRange)
		rng.Offset, rng.Length, rng.First = wide.Offset, wide.Length, wide.Length
	}
	rng.First = wholeBlocks(rng.First)
	return rng
}

// protectionOf fetches the key for data with the given keys. If the playlist gives no
// initialisation vector, it is the media sequence number.
func (o *opener) protectionOf(ctx context.Context, keys []hls.Key, sequence int64) (protection, error) {
	if len(keys) == 0 {
		return protection{}, nil
	}
	k, err := usableKey(keys)
	if err != nil {
		return protection{}, err
	}

	p := protection{method: k.Method}
	if k.IV != nil {
		copy(p.iv[:], k.IV)
	} else {
		binary.BigEndian.PutUint64(p.iv[8:], uint64(sequence))
	}
	if p.key, err = o.fetchKey(ctx, k.URI); err != nil {
		return protection{}, err
	}
	p.block, err = newAES(p.key)
	return p, err
}

// usableKey returns the key among the alternatives that needs no licence of a rights
// management system. If there is none, the error names those systems.
func usableKey(keys []hls.Key) (*hls.Key, error) {
	var others []string
	for i := range keys {
		k := &keys[i]
		name, known := systems[strings.ToLower(k.KeyFormat)]
		switch {
		case k.KeyFormat != "" && k.KeyFormat != "identity" && known:
			others = append(others, fmt.Sprintf("%s (%s)", name, strings.ToLower(k.KeyFormat)))
		case k.KeyFormat != "" && k.KeyFormat != "identity":
			others = append(others, fmt.Sprintf("the key format %.64q", k.KeyFormat))
		case strings.HasPrefix(strings.ToLower(k.URI.Text), "skd:"):
			others = append(others, "FairPlay (skd)")
		case k.Method == methodWhole, k.Method == methodSamples, k.Method == methodCTR:
			return k, nil
		default:
			others = append(others, fmt.Sprintf("the method %.64q", k.Method))
		}
	}
	return nil, fmt.Errorf("%w %s", errProtected, strings.Join(others, ", "))
}

// fetchKey returns the 16 bytes at u, from memory if they were fetched before.
func (o *opener) fetchKey(ctx context.Context, u hls.URI) ([]byte, error) {
	if scheme, _, _ := strings.Cut(u.Text, ":"); strings.EqualFold(strings.TrimSpace(scheme), "data") {
		return dataKey(u.Text)
	}
	abs, err := u.Resolve()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoKey, err)
	}
	if key := o.keys[abs.String()]; key != nil {
		return key, nil
	}
	doc, err := o.client.Get(ctx, abs, maxKeyBytes)
	switch {
	case errors.Is(err, fetch.ErrTooLarge):
		return nil, fmt.Errorf("%w: %s: %w: more than %d bytes; a key has 16", errNoKey, u, keyframe.ErrCorrupt, maxKeyBytes)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errNoKey, err)
	}
	key := trimKey(doc.Body)
	if len(key) != aes.BlockSize {
		return nil, fmt.Errorf("%w: %s: %w: %d bytes; a key has 16", errNoKey, u, keyframe.ErrCorrupt, len(doc.Body))
	}
	if o.keys == nil || len(o.keys) >= maxKnownKeys {
		o.keys = map[string][]byte{}
	}
	o.keys[abs.String()] = key
	return key, nil
}

// trimKey cuts off the end of the line that editors and echo put after a key.
func trimKey(data []byte) []byte {
	if len(data) > aes.BlockSize && len(bytes.TrimRight(data[aes.BlockSize:], "\r\n")) == 0 {
		return data[:aes.BlockSize]
	}
	return data
}

// withFreshKeys calls read. If a key that was remembered does not fit, it calls read
// again without it: the server may have changed the key under the same address.
func withFreshKeys[T any](ctx context.Context, o *opener, read func() (T, error)) (T, error) {
	remembered := len(o.keys) > 0
	r, err := read()
	if remembered && mayHelp(ctx, err, freshKey) {
		o.keys, o.section = nil, nil
		r, err = read()
	}
	if errors.Is(err, errWrongKey) {
		o.keys = nil
	}
	return r, err
}

// dataKey reads a key that is in the playlist itself (RFC 2397).
func dataKey(uri string) ([]byte, error) {
	head, data, ok := strings.Cut(strings.TrimSpace(uri), ",")
	text, err := url.PathUnescape(data)
	key := []byte(text)
	if err == nil && strings.HasSuffix(strings.ToLower(head), ";base64") {
		key, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	}
	if !ok || err != nil || len(key) != aes.BlockSize {
		return nil, fmt.Errorf("%w: %w: the data: URI in the playlist does not hold a key of 16 bytes", errNoKey, keyframe.ErrCorrupt)
	}
	return key, nil
}

// decryptSection decrypts an initialisation section. Its initialisation vector must
// be in the playlist (RFC 8216 4.3.2.5), because it has no media sequence number.
// With the methods for samples, a section is not encrypted.
func (o *opener) decryptSection(ctx context.Context, data []byte, keys []hls.Key) ([]byte, error) {
	if !slices.ContainsFunc(keys, func(k hls.Key) bool { return k.Method == methodWhole }) {
		return data, nil
	}
	k, err := usableKey(keys)
	switch {
	case err != nil:
		return nil, err
	case k.Method != methodWhole:
		return data, nil
	case k.IV == nil:
		return nil, fmt.Errorf("%w: EXT-X-MAP under an EXT-X-KEY without IV", keyframe.ErrCorrupt)
	}

	p, err := o.protectionOf(ctx, keys, 0)
	if err != nil {
		return nil, err
	}
	data, err = io.ReadAll(newCBCStream(bytes.NewReader(data), p.block, p.iv))
	if err == nil && !fmp4.Sniff(data) && !ts.Sniff(data, true) {
		err = errWrongKey
	}
	return data, err
}
