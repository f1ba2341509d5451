package sink

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of a signed message (Standard Webhooks 1.0.0).
const (
	idHeader        = "Webhook-Id"
	timeHeader      = "Webhook-Timestamp"
	signatureHeader = "Webhook-Signature"
)

// secretPrefix marks a secret that is a key in base64.
const secretPrefix = "whsec_"

// signingKey returns the key of a secret: the bytes that whsec_ and base64 stand for,
// or the secret itself.
func signingKey(secret string) ([]byte, error) {
	encoded, isEncoded := strings.CutPrefix(secret, secretPrefix)
	if !isEncoded {
		return []byte(secret), nil
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) == 0 {
		return nil, errors.New("webhook: what follows whsec_ in the secret must be a key in base64")
	}
	return key, nil
}

// signMessage sets the headers of a message that is sent now. The signature is an
// HMAC-SHA256 of the message's ID, the time in seconds since 1970 and the body, with
// dots between them.
func signMessage(h http.Header, key []byte, id string, now time.Time, body []byte) {
	seconds := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + seconds + "."))
	mac.Write(body)

	h.Set(idHeader, id)
	h.Set(timeHeader, seconds)
	h.Set(signatureHeader, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}
