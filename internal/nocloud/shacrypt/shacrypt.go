// SPDX-License-Identifier: MPL-2.0

// Package shacrypt hashes passwords as crypt(3) does with $6$: SHA-512 in 5000
// rounds, which every Linux system can check. It follows the public-domain
// specification "Unix crypt using SHA-256 and SHA-512".
package shacrypt

import (
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"strings"
)

const (
	rounds = 5000
	// MaxSalt is how many characters of a salt count.
	MaxSalt  = 16
	alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// Hash hashes a password. Of the salt at most MaxSalt characters count, and it
// must be of letters, digits, dots and slashes, as Salt makes it.
func Hash(password, salt string) string {
	salt = salt[:min(len(salt), MaxSalt)]
	p, s := []byte(password), []byte(salt)
	digest := first(p, s)

	h := sha512.New()
	for range len(p) {
		h.Write(p)
	}
	longP := stretch(h.Sum(nil), len(p))
	h.Reset()
	for range 16 + int(digest[0]) {
		h.Write(s)
	}
	longS := stretch(h.Sum(nil), len(s))

	for i := range rounds {
		digest = mix(h, i, digest, longP, longS)
	}
	return "$6$" + salt + "$" + encode(digest)
}

// first is the digest that the rounds begin with.
func first(p, s []byte) []byte {
	h := sha512.New()
	h.Write(p)
	h.Write(s)
	h.Write(p)
	inner := h.Sum(nil)

	h.Reset()
	h.Write(p)
	h.Write(s)
	h.Write(stretch(inner, len(p)))
	for n := len(p); n > 0; n >>= 1 {
		if n&1 != 0 {
			h.Write(inner)
		} else {
			h.Write(p)
		}
	}
	return h.Sum(nil)
}

// mix is one round.
func mix(h hash.Hash, round int, digest, p, s []byte) []byte {
	h.Reset()
	odd := round&1 != 0
	if odd {
		h.Write(p)
	} else {
		h.Write(digest)
	}
	if round%3 != 0 {
		h.Write(s)
	}
	if round%7 != 0 {
		h.Write(p)
	}
	if odd {
		h.Write(digest)
	} else {
		h.Write(p)
	}
	return h.Sum(digest[:0])
}

// stretch repeats a digest until it has so many bytes.
func stretch(digest []byte, length int) []byte {
	out := make([]byte, 0, length)
	for len(out) < length {
		out = append(out, digest[:min(len(digest), length-len(out))]...)
	}
	return out
}

// encode writes a digest in crypt's order and alphabet: three bytes make four
// characters, and the three stand 21 apart, turned on by one place in each group.
func encode(d []byte) string {
	var b strings.Builder
	for i := range 21 {
		three := [3]byte{d[i], d[i+21], d[i+42]}
		characters(&b, three[i%3], three[(i+1)%3], three[(i+2)%3], 4)
	}
	characters(&b, 0, 0, d[63], 2)
	return b.String()
}

func characters(b *strings.Builder, high, middle, low byte, count int) {
	bits := uint(high)<<16 | uint(middle)<<8 | uint(low)
	for range count {
		b.WriteByte(alphabet[bits&63])
		bits >>= 6
	}
}

// Salt derives a salt from texts that are not secret. The same texts always give
// the same salt. The password must not be among them: whoever sees the salt
// could then try passwords by one quick hash instead of by 5000.
func Salt(texts ...string) string {
	h := sha256.New()
	for _, text := range texts {
		fmt.Fprintf(h, "%d:%s", len(text), text)
	}
	d := h.Sum(nil)
	var b strings.Builder
	for i := 0; b.Len() < MaxSalt; i += 3 {
		characters(&b, d[i], d[i+1], d[i+2], 4)
	}
	return b.String()
}
