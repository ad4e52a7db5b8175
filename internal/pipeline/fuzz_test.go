// SPDX-License-Identifier: MPL-2.0

package pipeline

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

// os-release is read as Python's platform module reads it.
func FuzzOSRelease(f *testing.F) {
	python := foreign.Python(f, `
import platform
def answer(text):
    try:
        found = platform._parse_os_release(text.split("\n"))
    except AttributeError:
        return None
    return [found.get(name) for name in ("ID", "VERSION_ID", "VERSION_CODENAME")]`)
	for _, seed := range []string{
		"ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n", "ID='a b'\nID=c", "ID=\"a\\\"b\\$\"", "#ID=x\nID=\\\\", "ID", "ID=\"x",
		"VERSION_ID=" + strings.Repeat("1", 100), "export ID=x", "ID=x # y", "ID= x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o := parseOSRelease(text)
		if o.Release() == "" && o.Codename+o.Version != "" || strings.Contains(o.ID+o.Release(), "\n") {
			t.Errorf("%q is %+v", text, o)
		}
		var theirs []*string
		// Python keeps quotes that a blank follows; a shell does not.
		if regexp.MustCompile(`(?m)[ \t]$`).MatchString(text) {
			return
		}
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\r\v\f\x1c\x1d\x1e\u0085") || !python.Ask(t, text, &theirs) || theirs == nil {
			return
		}
		for i, ours := range []string{o.ID, o.Version, o.Codename} {
			if theirs[i] != nil && strings.TrimSpace(*theirs[i]) != strings.TrimSpace(ours) && !(i == 0 && *theirs[i] == "linux") {
				t.Errorf("%q: we say %q, Python %q", text, ours, *theirs[i])
			}
		}
	})
}

// An environment survives being listed; hooks in the chroot get nothing of the
// host's functions, and Packer's own variables reach none.
func FuzzEnvironment(f *testing.F) {
	f.Add("A=b\x00A=c\x00=d\x00BASH_FUNC_x%%=() { :\n}\x00PACKER_X=1", "c", "PATH=/a:/b")
	f.Add("PATH=\x00LD_PRELOAD=x\x00HOME=/h", "", "A")
	f.Fuzz(func(t *testing.T, doc, secret, more string) {
		entries := append(strings.Split(doc, "\x00"), more)
		env := ParseEnvironment(entries)
		if again := ParseEnvironment(env.List()); !slices.Equal(again.List(), env.List()) {
			t.Errorf("%q, read again: %q", env, again)
		}
		for name, value := range CallerEnvironment(entries, []string{secret}).chroot() {
			own := slices.Contains([]string{"HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"}, name)
			if packerOwn(name) || hostOnly(name) || !own && (value == secret && secret != "" || env[name] != value) {
				t.Errorf("%q reaches the chroot as %s=%q", entries, name, value)
			}
		}
		path := strings.Split(HostPath(env["PATH"], "/x"), ":")
		for _, dir := range append(systemDirectories, "/x") {
			if !slices.Contains(path, dir) {
				t.Errorf("%q lacks %s", path, dir)
			}
		}
	})
}
