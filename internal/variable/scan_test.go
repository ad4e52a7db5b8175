// SPDX-License-Identifier: MPL-2.0

package variable

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestScan(t *testing.T) {
	reads := func(defaults ...string) Use { return Use{Reads: true, Defaults: defaults} }
	cases := []struct {
		name, file, text string
		want             map[string]Use
	}{
		{"plain", "install.d/1", "echo $DIB_A \"${DIB_B}\"", map[string]Use{"DIB_A": reads(), "DIB_B": reads()}},
		{"part of another word", "install.d/1", "echo $_DIB_A $XDIB_B DIB_", nil},
		{"comment", "install.d/1", "# DIB_A\n  # ${DIB_B:-1}\necho ok", nil},
		{"set", "environment.d/1", "export DIB_A=1\nDIB_B=2;DIB_C+=x\nDIB_D=\n", map[string]Use{
			"DIB_A": {Sets: true}, "DIB_B": {Sets: true}, "DIB_C": {Sets: true}, "DIB_D": {Sets: true}}},
		{"compared", "install.d/1", `[ "$DIB_A" = 1 ] && [[ DIB_B == x ]] && [[ $DIB_C =~ y ]]`, map[string]Use{
			"DIB_A": reads(), "DIB_B": reads(), "DIB_C": reads()}},
		{"handed on", "environment.d/1", "export DIB_A=${DIB_A:-main}", map[string]Use{
			"DIB_A": {Reads: true, Sets: true, Defaults: []string{"main"}}}},
		{"defaults", "install.d/1", `${DIB_A:-} ${DIB_B-"a b"} ${DIB_C:-'c'} ${DIB_D:-$X} ${DIB_E:-${DIB_F}} ${DIB_G:-1} ${DIB_G:-0}`, map[string]Use{
			"DIB_A": reads(""), "DIB_B": reads("a b"), "DIB_C": reads("c"), "DIB_D": reads(), "DIB_E": reads(), "DIB_F": reads(),
			"DIB_G": reads("0", "1")}},
		{"default that sets", "install.d/1", ": ${DIB_A:=x} ${DIB_B=y}", map[string]Use{
			"DIB_A": {Reads: true, Sets: true, Defaults: []string{"x"}}, "DIB_B": {Reads: true, Sets: true, Defaults: []string{"y"}}}},
		{"other expansions", "install.d/1", "${DIB_A:+x} ${DIB_B//-/ } ${#DIB_C} ${!DIB_D}", map[string]Use{
			"DIB_A": reads(), "DIB_B": reads(), "DIB_C": reads(), "DIB_D": reads()}},
		{"beginning of names", "extra-data.d/1", "local v=DIB_REPOREF_${n} DIB_INSTALLTYPE_%s", map[string]Use{
			"DIB_REPOREF_": {Prefix: true, Reads: true}, "DIB_INSTALLTYPE_": {Prefix: true, Reads: true}}},
		{"python", "install.d/1", `os.environ.get('DIB_A', 'x') + os.environ.get("DIB_B") + os.environ["DIB_C"]`, map[string]Use{
			"DIB_A": reads("x"), "DIB_B": reads(), "DIB_C": reads()}},
		{"when", "package-installs.yaml", "vim:\n  when: DIB_A=1\nnano: {when: [DIB_B != 0]}", map[string]Use{
			"DIB_A": reads(), "DIB_B": reads()}},
		{"documentation", "README.rst", "DIB_A", nil},
		{"tests", "test-elements/x/environment.d/1", "DIB_A", nil},
		{"binary", "static/x", "DIB_A\x00", nil},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			found, err := Scan(fstest.MapFS{tc.file: {Data: []byte(tc.text)}})
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]Use
			for _, use := range found {
				if got == nil {
					got = map[string]Use{}
				}
				name := use.Name
				use.Name = ""
				got[name] = use
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func FuzzScan(f *testing.F) {
	for _, seed := range []string{"${DIB_A:-x}", "DIB_A=", "DIB_", "x.get('DIB_A', 'y')", "${DIB_A:-\"", "# DIB_B\n$DIB_C"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		uses := map[string]*Use{}
		scanText(text, false, uses)
		for name, use := range uses {
			if use.Name != name || !use.Reads && !use.Sets {
				t.Errorf("%q: %+v", name, use)
			}
		}
	})
}
