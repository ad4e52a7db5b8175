// SPDX-License-Identifier: MPL-2.0

package hook

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

func TestSort(t *testing.T) {
	tests := map[string]string{
		"the verified order of the element contract": "-5neg 00-01-k 00-dnf A1 Zfirst nonum 01-00-centos 01-module 1-x 07_under 09-b 9-a 10-c 11-link 99-y 100-z",
		"minus":             "-10a -9a -1 - --1 -0 -a 0 1",
		"decimals":          "-1.5 -1 .5 0.50 0.6 1. 1.4 1.45 1.5.9 2",
		"no number is zero": "-1 .x 0 00 A a 1",
		"larger than words": "9223372036854775807 9223372036854775808 18446744073709551616 100000000000000000000000000",
		"leading zeros":     "0009 009 09 9 000000000000000000010 10",
		"plus is no sign":   "+5 a 1",
	}
	for name, order := range tests {
		t.Run(name, func(t *testing.T) {
			want := strings.Fields(order)
			for range 20 {
				got := slices.Clone(want)
				rand.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
				Sort(got)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatal(diff)
				}
			}
		})
	}
}

// randomNames are n different names of the characters that matter to sort.
func randomNames(n int, alphabet string) []string {
	random := rand.New(rand.NewPCG(3, 4))
	seen := map[string]bool{}
	var names []string
	for len(names) < n {
		name := make([]byte, 1+random.IntN(8))
		for i := range name {
			name[i] = alphabet[random.IntN(len(alphabet))]
		}
		if !seen[string(name)] {
			seen[string(name)] = true
			names = append(names, string(name))
		}
	}
	return names
}

func TestSortAgainstGNU(t *testing.T) {
	if out, err := exec.LookPath("sort"); err != nil {
		t.Skipf("no sort program: %v", out)
	}
	for _, alphabet := range []string{
		"0123456789-_aZ",   // names of hooks
		"0019-.",           // many equal numbers
		" \t0019-.,+eExA~", // what sort may take for part of a number
		"\x01\x80\xc3\xa9\xff0a-",
	} {
		names := randomNames(2000, alphabet)
		var out bytes.Buffer
		err := command.Host{}.Run(context.Background(), command.Command{
			Path: "sort", Args: []string{"-n"}, Env: []string{"PATH=/usr/bin:/bin", "LC_ALL=C"},
			Stdin: strings.NewReader(strings.Join(names, "\n") + "\n"), Stdout: &out,
		})
		if err != nil {
			t.Skipf("sort -n: %v", err)
		}
		Sort(names)
		if diff := cmp.Diff(strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n"), names); diff != "" {
			t.Errorf("alphabet %q: %s", alphabet, diff)
		}
	}
}

func FuzzCompare(f *testing.F) {
	f.Add("9-a", "10-b", "1.5")
	f.Add("-0", "0", "")
	f.Add("00", "0.0", "-.0")
	f.Add(" 5", "\t-5", "5 ")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if Compare(a, b) != -Compare(b, a) {
			t.Errorf("%q and %q have no order", a, b)
		}
		if (Compare(a, b) == 0) != (a == b) {
			t.Errorf("%q and %q are equal for Compare only", a, b)
		}
		if Compare(a, b) <= 0 && Compare(b, c) <= 0 && Compare(a, c) > 0 {
			t.Errorf("%q, %q, %q go in a circle", a, b, c)
		}
	})
}
