// SPDX-License-Identifier: MPL-2.0

package elements

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The shell's answers in place of readlink and realpath, with which install-packages speeds
// mkinitramfs up, are those of the programs, for files, links, loops and odd paths.
func TestInitramfsAnswers(t *testing.T) {
	script, err := os.ReadFile("dpkg/bin/install-packages")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(script), "cat >\"$answers\" <<'EOF'\n")
	answers, _, ended := strings.Cut(rest, "\nEOF\n")
	if !found || !ended {
		t.Fatal("install-packages has no answers for mkinitramfs")
	}
	dir := t.TempDir()
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		t.Fatal(err)
	}
	makeTree(t, dir)
	var calls []string
	for _, path := range []string{
		"/bin", "/", "//bin", "/bin/", "", "relative", "-f", dir, dir + "/file", dir + "//file", dir + "/./file",
		dir + "/dir/../file", dir + "/dir/", dir + "/dir/.", dir + "/dir/..", dir + "/dir/file", dir + "/link",
		dir + "/dirlink/file", dir + "/dangling", dir + "/loop", dir + "/missing", dir + "/missing/deeper",
		dir + "/file/below", dir + "/dir/with space*", dir + "/linked/dir/file", dir + `/dir/back\nslash`,
	} {
		for _, command := range []string{"readlink -f", "realpath -s", "realpath -ms", "realpath", "readlink"} {
			calls = append(calls, command+" '"+path+"'", command+" '/"+path+"'")
		}
	}
	plain := ask(t, dir, "", calls)
	ours := ask(t, dir, answers, calls)
	for i, call := range calls {
		if plain[i] != ours[i] {
			t.Errorf("%s: %q, the program says %q", call, ours[i], plain[i])
		}
	}
	if none := ask(t, dir, answers+"\nPATH=/nowhere", []string{"readlink -f '" + dir + "/dir/file'"}); none[0] != dir+"/dir/file 0" {
		t.Errorf("a plain file needs a program: %q", none[0])
	}
}

func makeTree(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"file", "dir/file", "dir/with space*", `dir/back\nslash`} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"link": "dir/file", "dirlink": "dir", "dangling": "nowhere", "loop": "loop", "linked": "../" + filepath.Base(dir),
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// ask runs each call after the preamble and returns its output and status.
func ask(t *testing.T, dir, preamble string, calls []string) []string {
	t.Helper()
	var script strings.Builder
	script.WriteString(preamble + "\n")
	for _, call := range calls {
		script.WriteString("out=$(" + call + " 2>/dev/null) && s=0 || s=$?; printf '%s %s\\0' \"$out\" \"$s\"\n")
	}
	cmd := exec.Command("dash", "-euc", script.String())
	cmd.Dir = dir
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}
