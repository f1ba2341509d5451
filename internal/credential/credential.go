// Package credential checks passwords and tokens against what is kept of them: of a
// password, which people choose, a bcrypt hash, so that guessing is dear; of a token, which
// [NewToken] makes of 256 random bits, its SHA-256, as nobody guesses those.
//
// Call [Parse], then [Hash.Matches]. Nothing here says who may do what.
package credential

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

const (
	// MinCost and MaxCost bound the work of a bcrypt hash, which is 2 to its power: at 10
	// a guess takes some 50 ms of a core, at 14 a second.
	MinCost, MaxCost = 10, 14
	// MaxPassword is what bcrypt looks at, in bytes.
	MaxPassword = 72
	// minPassword is what is not guessed within a few tries.
	minPassword = 8

	tokenHash   = "sha256:"
	tokenPrefix = "kfgrab_" // by which scanners of repositories know one
	tokenBytes  = 32
)

// ErrNoHash is returned by Parse for a text that is neither kind of hash.
var ErrNoHash = errors.New("not a bcrypt hash, nor sha256: and a digest")

// Hash is what is kept of a secret. The zero value matches none.
type Hash struct {
	token    [sha256.Size]byte
	password []byte // in the form of crypt(3); nil for a token
	known    bool
}

// Parse reads a hash: sha256: and 64 hexadecimal digits for a token, or that of bcrypt,
// such as "htpasswd -nB -C 10 NAME" writes. The error does not show it.
func Parse(text string) (Hash, error) {
	if digits, ok := strings.CutPrefix(text, tokenHash); ok {
		digest, err := hex.DecodeString(digits)
		if err != nil || len(digest) != sha256.Size {
			return Hash{}, errors.New("behind sha256: there are 64 hexadecimal digits")
		}
		return Hash{token: [sha256.Size]byte(digest), known: true}, nil
	}
	cost, err := bcrypt.Cost([]byte(text))
	switch {
	case err != nil:
		return Hash{}, ErrNoHash
	case cost < MinCost || cost > MaxCost:
		return Hash{}, fmt.Errorf("the hash has the cost %d: want %d to %d", cost, MinCost, MaxCost)
	}
	return Hash{password: []byte(text), known: true}, nil
}

// Token says whether it is a token's, which is cheap to check.
func (h Hash) Token() bool { return h.known && h.password == nil }

// Matches says whether secret is what the hash was made of, in a time that does not depend
// on how much of it is right.
func (h Hash) Matches(secret string) bool {
	switch {
	case !h.known:
		return false
	case h.Token():
		digest := sha256.Sum256([]byte(secret))
		return subtle.ConstantTimeCompare(digest[:], h.token[:]) == 1
	case len(secret) > MaxPassword:
		return false
	}
	return bcrypt.CompareHashAndPassword(h.password, []byte(secret)) == nil
}

// OfPassword returns the hash of a password, to be parsed.
func OfPassword(password string) (string, error) {
	switch {
	case len(password) < minPassword:
		return "", fmt.Errorf("a password has %d characters at least", minPassword)
	case len(password) > MaxPassword:
		return "", fmt.Errorf("a password has %d bytes at most", MaxPassword)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), MinCost)
	return string(hash), err
}

// NewToken returns a token that nobody has, and its hash.
func NewToken() (token, hash string) {
	var b [tokenBytes]byte
	rand.Read(b[:]) // never fails
	token = tokenPrefix + base64.RawURLEncoding.EncodeToString(b[:])
	digest := sha256.Sum256([]byte(token))
	return token, tokenHash + hex.EncodeToString(digest[:])
}
