// Package credential checks passwords and tokens against their hashes. It is
// internal to kfgrab, for the clients of kfgrab serve.
//
// Call [Parse], then [Hash.Matches]. Passwords, which people choose, are hashed
// with bcrypt, so that guessing is expensive. Tokens, which [NewToken] makes of
// 256 random bits, are hashed with SHA-256, since they cannot be guessed.
//
// The package grants no permissions.
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
	// MinCost and MaxCost bound the cost of a bcrypt hash, whose work is 2 to its
	// power: at 10, a guess takes about 50 ms of a core; at 14, a second.
	MinCost, MaxCost = 10, 14
	// MaxPassword is how many bytes bcrypt looks at.
	MaxPassword = 72
	// minPassword can't be guessed within a few tries.
	minPassword = 8

	tokenHash   = "sha256:"
	tokenPrefix = "kfgrab_" // by which scanners of repositories recognise one
	tokenBytes  = 32
)

// ErrNoHash is the error of Parse for a text that is neither kind of hash.
var ErrNoHash = errors.New("not a bcrypt hash, nor sha256: and a digest")

// Hash is that of a password or a token. The zero value matches nothing.
type Hash struct {
	token    [sha256.Size]byte
	password []byte // in the form of crypt(3); nil for a token
	known    bool
}

// Parse reads a hash: sha256: and 64 hexadecimal digits for a token, or bcrypt's
// form, as "htpasswd -nB -C 10 NAME" prints it. The error does not show it.
func Parse(text string) (Hash, error) {
	if digits, ok := strings.CutPrefix(text, tokenHash); ok {
		digest, err := hex.DecodeString(digits)
		if err != nil || len(digest) != sha256.Size {
			return Hash{}, errors.New("invalid hash: want 64 hexadecimal digits after sha256:")
		}
		return Hash{token: [sha256.Size]byte(digest), known: true}, nil
	}

	cost, err := bcrypt.Cost([]byte(text))
	switch {
	case err != nil:
		return Hash{}, ErrNoHash
	case cost < MinCost || cost > MaxCost:
		return Hash{}, fmt.Errorf("invalid hash: its bcrypt cost is %d; want %d to %d", cost, MinCost, MaxCost)
	}
	return Hash{password: []byte(text), known: true}, nil
}

// IsToken reports whether the hash is a token's, which is cheap to check.
func (h Hash) IsToken() bool { return h.known && h.password == nil }

// Matches reports whether the hash is that of secret, in a time that does not
// depend on how much of it is right.
func (h Hash) Matches(secret string) bool {
	switch {
	case !h.known:
		return false
	case h.IsToken():
		digest := sha256.Sum256([]byte(secret))
		return subtle.ConstantTimeCompare(digest[:], h.token[:]) == 1
	case len(secret) > MaxPassword:
		return false
	}
	return bcrypt.CompareHashAndPassword(h.password, []byte(secret)) == nil
}

// HashPassword returns the hash of a password, in the form that Parse reads.
func HashPassword(password string) (string, error) {
	switch {
	case len(password) < minPassword:
		return "", fmt.Errorf("password too short: want at least %d characters", minPassword)
	case len(password) > MaxPassword:
		return "", fmt.Errorf("password too long: want at most %d bytes", MaxPassword)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), MinCost)
	return string(hash), err
}

// NewToken returns a new random token and its hash.
func NewToken() (token, hash string) {
	var b [tokenBytes]byte
	rand.Read(b[:]) // never fails
	token = tokenPrefix + base64.RawURLEncoding.EncodeToString(b[:])
	digest := sha256.Sum256([]byte(token))
	return token, tokenHash + hex.EncodeToString(digest[:])
}
