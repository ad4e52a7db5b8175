// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The shell's answers in place of readlink and realpath, which speed mkinitramfs up,
// are those of the programs, for files, links, loops and odd paths.
func TestInitramfsAnswers(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
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
	ours := ask(t, dir, initramfsSettings, calls)
	for i, call := range calls {
		if plain[i] != ours[i] {
			t.Errorf("%s: %q, the program says %q", call, ours[i], plain[i])
		}
	}
	if none := ask(t, dir, initramfsSettings+"\nPATH=/nowhere", []string{"readlink -f '" + dir + "/dir/file'"}); none[0] != dir+"/dir/file 0" {
		t.Errorf("a plain file needs a program: %q", none[0])
	}
}

// The settings leave nothing in the tree, whether or not initramfs-tools came.
func TestInitramfsSettingsAreLentOnly(t *testing.T) {
	link := filepath.Join(settingsHome, settingsDir, settingsLink)
	for name, c := range map[string]struct{ before, during, want string }{
		"no Debian":         {before: "etc", want: "etc"},
		"no initramfs":      {before: "var/lib/dpkg", want: "var/lib/dpkg"},
		"comes meanwhile":   {before: "var/lib/dpkg", during: settingsHome + "/hooks", want: settingsHome + "/" + settingsDir},
		"has been there":    {before: "var/lib/dpkg " + settingsHome + "/hooks", want: settingsHome + "/" + settingsDir},
		"with other's file": {before: "var/lib/dpkg", during: settingsHome + "/" + settingsDir + "/other", want: settingsHome + "/" + settingsDir + "/other"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := t.TempDir()
			mkdir := func(dirs string) {
				for dir := range strings.FieldsSeq(dirs) {
					if err := os.MkdirAll(filepath.Join(tree, dir), 0o755); err != nil {
						t.Fatal(err)
					}
				}
			}
			mkdir(c.before)
			for range 2 {
				if err := linkInitramfsSettings(tree); err != nil {
					t.Fatal(err)
				}
			}
			target, err := os.Readlink(filepath.Join(tree, link))
			if want := strings.Contains(c.before, "dpkg"); want != (err == nil) || want && target != "/tmp/in_target.d/.initramfs" {
				t.Errorf("link to %q: %v", target, err)
			}
			mkdir(c.during)
			for range 2 {
				if err := unlinkInitramfsSettings(tree); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := os.Lstat(filepath.Join(tree, link)); err == nil {
				t.Error("the link is still there")
			}
			if _, err := os.Lstat(filepath.Join(tree, c.want)); err != nil {
				t.Error(err)
			}
			if _, err := os.Lstat(filepath.Join(tree, settingsHome)); err == nil && !strings.HasPrefix(c.want, settingsHome) {
				t.Error("its directory is still there")
			}
		})
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

// The second of two initramfs stays the first if nothing of the system has changed
// between them, and is made anew if anything has.
func TestInitramfsIsMadeOnce(t *testing.T) {
	for meanwhile, stays := range map[string]bool{
		":": true,
		"echo x >var/lib/dpkg/status; echo x >var/log/dpkg.log; echo x >tmp/x": true,
		"ln boot/initrd.img-1 boot/initrd.img-1.dpkg-bak":                      true,
		"echo x >etc/new":                                false,
		"rm etc/modules":                                 false,
		"chmod 0600 etc/modules":                         false,
		"echo x >boot/config-1":                          false,
		"echo mine >boot/initrd.img-1":                   false,
		"cp boot/initrd.img-1 x; mv x boot/initrd.img-1": false,
		"export SOURCE_DATE_EPOCH=1":                     false,
		"option=-k":                                      false,
		"echo x >etc/new; fail=1; make || fail=":         false,
	} {
		t.Run(meanwhile, func(t *testing.T) {
			tree, notes := t.TempDir(), t.TempDir()
			settings := strings.NewReplacer("/tmp/in_target.d/.initramfs.d", notes, "find / ", "find . ", "-path /", "-path ./").Replace(initramfsSettings)
			settings = strings.NewReplacer("-path ./ ", "-path . ", `-path "$_dib_initrd`, `-path "./$_dib_initrd`).Replace(settings)
			if err := os.WriteFile(filepath.Join(notes, "..", "settings"), []byte(settings), 0o600); err != nil {
				t.Fatal(err)
			}
			script := `
make() {
	sh -c '
		keep=n; [ "${1-}" != -k ] || keep=y
		outfile=boot/initrd.img-1.new
		set -- 1
		. "$0"
		: >"$outfile"; sleep 0.02
		__TMPEARLYCPIO=var/tmp/early
		trap '\''rm -rf "$__TMPEARLYCPIO"'\'' EXIT
		[ -z "$fail" ] || kill -9 $$
		echo made >>tmp/made
		echo initramfs >"$outfile"
	' "$settings" $option && mv boot/initrd.img-1.new boot/initrd.img-1
}
mkdir -p etc boot var/lib/dpkg var/log var/tmp tmp
echo x >etc/modules; echo x >boot/config-1
option= fail=
export fail
sleep 0.05
make
` + meanwhile + `
make`
			cmd := exec.Command("dash", "-euc", script)
			cmd.Dir = tree
			cmd.Env = []string{"PATH=/usr/bin:/bin", "settings=" + filepath.Join(notes, "..", "settings")}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if text, err := os.ReadFile(filepath.Join(tree, "boot/initrd.img-1")); err != nil || string(text) != "initramfs\n" {
				t.Errorf("%q, %v", text, err)
			}
			if got := strings.Contains(string(out), "stays as it is"); got != stays {
				t.Errorf("stays: %v, want %v: %s", got, stays, out)
			}
		})
	}
}
