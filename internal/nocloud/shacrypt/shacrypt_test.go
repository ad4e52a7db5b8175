// SPDX-License-Identifier: MPL-2.0

package shacrypt

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

// Hashes that `openssl passwd -6` made.
func TestKnownHashes(t *testing.T) {
	for _, c := range []struct{ password, salt, want string }{
		{"Hello world!", "saltstring", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"},
		{"", "a", "$6$a$Z6IPkDduHdwavesVY2NFMpOHkigshxPYdhfLg0D3A7/XFQcso9RV2E8qczyJ2su.dj6RRLaTpvgwN1rZfK0I9."},
		{"größe 漢字 🙂", "./09AZaz", "$6$./09AZaz$0sW3uIpSmMK4XCqIfGvrA1B6u9/CVj8T7wOSobnmYAcNnDXR2g1NTcLJk1AtsL32BHMW3w7gqY4stZHSk/uy/0"},
		{strings.Repeat("x", 200), "0123456789abcdef", "$6$0123456789abcdef$Rru0YcJdWAfylTzYkMBaHfdgEjT2jeUewuTfATTJEn/Inu1Ma3JNgneCwDVl2NaWmkgDKZzdSV8VisQ10exaF."},
	} {
		if got := Hash(c.password, c.salt); got != c.want {
			t.Errorf("%q with %q is %s, want %s", c.password, c.salt, got, c.want)
		}
	}
}

// crypt(3) of this host, by Python up to 3.12, says the same.
func judge(tb testing.TB) *foreign.Program {
	tb.Helper()
	return foreign.Python(tb, "import warnings; warnings.simplefilter('ignore'); import crypt\ndef answer(q): return crypt.crypt(q[0], '$6$' + q[1] + '$')")
}

func TestCryptSaysTheSame(t *testing.T) {
	python := judge(t)
	random := rand.New(rand.NewPCG(6, 6))
	letters := []rune("abcXYZ019 :$%\"'\\äß漢🙂~!\t")
	for length := 0; length < 140; length += 3 {
		password := make([]rune, length)
		for i := range password {
			password[i] = letters[random.IntN(len(letters))]
		}
		salt := Salt(string(password))[:1+random.IntN(MaxSalt)]
		var want string
		if !python.Ask(t, []string{string(password), salt}, &want) {
			t.Skip("no module crypt on this host")
		}
		if got := Hash(string(password), salt); got != want {
			t.Errorf("%q with %q is %s, want %s", string(password), salt, got, want)
		}
	}
}

func FuzzHash(f *testing.F) {
	python := judge(f)
	f.Add("secret", "salt")
	f.Fuzz(func(t *testing.T, password, from string) {
		salt := Salt(from)
		got := Hash(password, salt)
		if !regexp.MustCompile(`^\$6\$[./0-9A-Za-z]{16}\$[./0-9A-Za-z]{86}$`).MatchString(got) {
			t.Errorf("%q is %q", password, got)
		}
		var want string
		// crypt(3) ends a password at a NUL and takes none beyond 511 bytes.
		if strings.Contains(password, "\x00") || len(password) > 500 || strings.ToValidUTF8(password, "") != password {
			return
		}
		if python.Ask(t, []string{password, salt}, &want) && got != want {
			t.Errorf("%q with %q is %s, want %s", password, salt, got, want)
		}
	})
}

func TestSaltsTellTextsApart(t *testing.T) {
	seen := map[string]bool{}
	for _, texts := range [][]string{{}, {""}, {"a"}, {"a", ""}, {"", "a"}, {"a", "b"}, {"ab"}, {"1:a"}} {
		salt := Salt(texts...)
		if len(salt) != MaxSalt || seen[salt] || salt != Salt(texts...) {
			t.Errorf("the salt of %q is %q", texts, salt)
		}
		seen[salt] = true
	}
}
