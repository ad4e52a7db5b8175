// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// deadly are the programs that change something. Instead of the one that stands
// at step DIES it kills the shell and all that it started.
const deadly = `#!/bin/sh
read -r n <"$STEPS"
echo $((n + 1)) >"$STEPS"
[ "$n" -ne "$DIES" ] || kill -9 0
[ "${0##*/} $1" = "mv --exchange" ] && [ -n "$EXCHANGES" ] && exec python3 - "$3" "$4" <<'END'
import ctypes, sys
a, b = (x.encode() for x in sys.argv[1:])
sys.exit(ctypes.CDLL(None).renameat2(-100, a, -100, b, 2) != 0)
END
PATH=$REST
exec "${0##*/}" "$@"
`

// Killed at any step the script leaves the seed of before, or the new one, whole;
// with a mv that cannot exchange there is one moment in which neither has its name.
// Running it again mends all.
func TestKilledAtAnyStep(t *testing.T) {
	t.Parallel()
	for _, exchanges := range []string{"", "yes"} {
		t.Run("exchanges "+exchanges, func(t *testing.T) {
			t.Parallel()
			g := newTarget(t, shells["dash"])
			bin := t.TempDir()
			for _, name := range []string{"cat", "chmod", "chown", "ln", "mkdir", "mv", "rm"} {
				if err := os.WriteFile(filepath.Join(bin, name), []byte(deadly), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			seeds := [2]Seed{{InstanceID: "i-1"}, fullSeed}
			pins := [2]Installer{{Pin: true}, {Pin: true, IgnoreCIDATA: true}}
			var trees [2][]string
			for i := range seeds {
				g.must(g.install(pins[i], seeds[i]))
				trees[i] = g.tree(false)
			}
			missed, step := 0, 0
			for ; ; step++ {
				next := step % 2 // the other one is in place
				if g.killed(bin, exchanges, step, pins[next], seeds[next]) {
					break
				}
				tree := g.tree(false)
				switch got := g.seedOf(tree); {
				case slices.Equal(got, g.seedOf(trees[0])), slices.Equal(got, g.seedOf(trees[1])):
				case len(got) == 0:
					missed++
					for _, line := range g.seedOf(trees[1-next]) { // the former is not lost
						if aside := strings.Replace(line, "/nocloud", "/.nocloud.old", 1); !slices.Contains(tree, aside) {
							t.Errorf("step %d: no %s", step, aside)
						}
					}
				default:
					t.Errorf("step %d leaves\n%s", step, strings.Join(got, "\n"))
				}
				g.must(g.install(pins[next], seeds[next]))
				if got := g.tree(false); !slices.Equal(got, trees[next]) {
					t.Errorf("step %d, once more:\n%s\nwant\n%s", step, strings.Join(got, "\n"), strings.Join(trees[next], "\n"))
				}
			}
			if step < 10 || missed > 1 || exchanges != "" && missed > 0 {
				t.Errorf("of %d steps, %d left no seed in its place", step, missed)
			}
		})
	}
}

// killed runs the script, which is killed at a step, and says if it had no such step.
func (g target) killed(bin, exchanges string, step int, i Installer, s Seed) (whole bool) {
	g.t.Helper()
	steps := filepath.Join(g.t.TempDir(), "steps")
	if err := os.WriteFile(steps, []byte("0\n"), 0o600); err != nil {
		g.t.Fatal(err)
	}
	path := os.Getenv("PATH")
	g.env = []string{"PATH=" + bin + ":" + path, "REST=" + path, "STEPS=" + steps, "DIES=" + strconv.Itoa(step), "EXCHANGES=" + exchanges}
	_, err := g.install(i, s)
	return err == nil
}

// seedOf are the lines of a tree that are in the seed's place.
func (g target) seedOf(tree []string) []string {
	return slices.DeleteFunc(slices.Clone(tree), func(line string) bool {
		return !strings.HasPrefix(line, SeedDir[1:]+" ") && !strings.HasPrefix(line, SeedDir[1:]+"/")
	})
}

// The surroundings of the script do not show in what it makes.
func TestSurroundingsDoNotMatter(t *testing.T) {
	eachShell(t, func(g target) {
		g.must(g.run(true, fullSeed))
		want := g.tree(false)
		for _, c := range []struct {
			umask string
			env   []string
		}{
			{"000", []string{"TMPDIR=/nonexistent/directory", "LANG=C.UTF-8", "LC_ALL=C.UTF-8"}},
			{"077", []string{"TMPDIR=/dev/full", "LANG=ja_JP.eucJP", "LC_ALL=ja_JP.eucJP", "CDPATH=/usr:/", "POSIXLY_CORRECT=1"}},
			{"777", []string{"TMPDIR=", "LANG=C", "HOME=/nonexistent", "IFS=/", "root=/nonexistent", "files=x:1"}},
		} {
			if err := os.RemoveAll(g.path("var")); err != nil {
				g.t.Fatal(err)
			}
			if err := os.RemoveAll(g.path("etc")); err != nil {
				g.t.Fatal(err)
			}
			around := g
			around.env = append([]string{"PATH=" + os.Getenv("PATH")}, c.env...)
			around.shell = append([]string{"/bin/sh", "-c", fmt.Sprintf(`umask %s; exec "$@"`, c.umask), "sh"}, g.shell...)
			around.must(around.run(true, fullSeed))
			if got := g.tree(false); !slices.Equal(got, want) {
				g.t.Errorf("umask %s %v: got\n%s\nwant\n%s", c.umask, c.env, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	})
}

// Some shells read no character that the locale, which is C, does not have.
func TestScriptIsASCII(t *testing.T) {
	seed, _ := render(t, fullSeed)
	for i, b := range (Installer{Pin: true, Judge: true}).Script(seed) {
		if b >= 0x80 {
			t.Fatalf("byte %d is %#x", i, b)
		}
	}
}

// What the machine's cloud-init says may repeat the seed. Where printf is a program
// of its own, as in mksh, its arguments are for everybody to see.
func TestNoProgramIsGivenASecret(t *testing.T) {
	eachShell(t, func(g target) {
		g.write("usr/bin/cloud-init", "#!/bin/sh\necho 'Cloud config schema errors: "+hidden+"'\nexit 1\n", 0o755)
		seen := filepath.Join(g.t.TempDir(), "seen")
		bin := g.t.TempDir()
		path := os.Getenv("PATH")
		spy := fmt.Sprintf("#!/bin/sh\necho \"${0##*/} $*\" >>%s\nPATH=%s\nexec \"${0##*/}\" \"$@\"\n", seen, path)
		for _, name := range []string{"printf", "echo", "cat", "grep", "sed", "expr", "test"} {
			if err := os.WriteFile(filepath.Join(bin, name), []byte(spy), 0o700); err != nil {
				g.t.Fatal(err)
			}
		}
		g.env = []string{"PATH=" + bin + ":" + path}
		report, err := g.install(Installer{Judge: true}, Seed{UserData: given("u", "#cloud-config\nhostname: "+hidden+"\n")})
		wantStatus(g.t, err, ExitRefused)
		if !strings.Contains(fmt.Sprint(report.Judged), hidden) {
			g.t.Errorf("the tool's words are lost: %+v", report)
		}
		// There is none if the shell is all of these programs itself.
		if text, err := os.ReadFile(seen); err == nil && strings.Contains(string(text), hidden) {
			g.t.Errorf("started was\n%s", text)
		}
	})
}
