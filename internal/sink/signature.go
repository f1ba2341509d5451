package sink

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// SignatureHeader has the signature of a webhook's body.
const SignatureHeader = "X-Kfgrab-Signature"

// ErrSignature is wrapped by the errors of [VerifySignature].
var ErrSignature = errors.New("the signature is not valid")

// sign returns t=1772366400,v1=<hex>: the time in seconds since 1970, and HMAC-SHA256
// with the secret over that number, a dot and the body.
func sign(secret, body []byte, now time.Time) string {
	t := strconv.FormatInt(now.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac(secret, t, body))
}

func mac(secret []byte, t string, body []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(t + "."))
	h.Write(body)
	return h.Sum(nil)
}

// VerifySignature checks the SignatureHeader of a request, for who receives it: that
// body was signed with secret, and within that time of now. What an eavesdropper sends
// again later is refused by that; what comes again sooner has the same "id".
func VerifySignature(header string, secret, body []byte, now time.Time, within time.Duration) error {
	var t, v1 string
	for part := range strings.SplitSeq(header, ",") {
		switch name, value, _ := strings.Cut(part, "="); name {
		case "t":
			t = value
		case "v1":
			v1 = value
		}
	}
	signed, err := strconv.ParseInt(t, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: it tells no time", ErrSignature)
	}
	given, err := hex.DecodeString(v1)
	if err != nil || !hmac.Equal(given, mac(secret, t, body)) {
		return fmt.Errorf("%w: the body or the secret is another", ErrSignature)
	}
	if age := now.Sub(time.Unix(signed, 0)); age.Abs() > within {
		return fmt.Errorf("%w: it was made %v ago", ErrSignature, age.Round(time.Second))
	}
	return nil
}
