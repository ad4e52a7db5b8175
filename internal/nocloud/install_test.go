// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

// shells are those that single tests choose; eachShell has more.
var shells = map[string][]string{"dash": {"/bin/dash"}, "busybox": {"/bin/busybox", "sh"}, "bash posix": {"/bin/bash", "--posix"}}

// target is a root file system in the making.
type target struct {
	t     *testing.T
	root  string
	shell []string
	env   []string // of the script; nil for that of the test
}

func newTarget(t *testing.T, shell []string) target {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: the seed belongs to root")
	}
	if _, err := os.Stat(shell[0]); err != nil {
		t.Skipf("no %s on this host", shell[0])
	}
	// A root with a quote and a blank in its name shows bad quoting.
	root := filepath.Join(t.TempDir(), "it's a root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	return target{t: t, root: root, shell: shell}
}

// run installs a seed as the provisioner would, and returns what is reported.
func (g target) run(pin bool, s Seed) (Report, error) {
	g.t.Helper()
	return g.install(Installer{Pin: pin}, s)
}

func (g target) install(i Installer, s Seed) (Report, error) {
	g.t.Helper()
	seed, _ := render(g.t, s)
	return g.runRendered(i, seed, nil)
}

// runRendered lets a test spoil the upload.
func (g target) runRendered(i Installer, seed Rendered, spoil func(dir string)) (Report, error) {
	g.t.Helper()
	i.Root = g.root
	dir := filepath.Join(g.t.TempDir(), "packer-nocloud-0123456789abcdef")
	if err := os.Mkdir(dir, 0o700); err != nil {
		g.t.Fatal(err)
	}
	for _, f := range append(i.Uploads(seed), File{Name: "install.sh", Mode: 0o700, Content: i.Script(seed)}) {
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Content, f.Mode); err != nil {
			g.t.Fatal(err)
		}
	}
	if spoil != nil {
		spoil(dir)
	}
	out, err := command.Output(g.t.Context(), command.Host{}, command.Command{
		Path: g.shell[0], Args: append(slices.Clone(g.shell[1:]), dir+"/install.sh"), Env: g.env,
	})
	report, incomplete := ParseReport(out)
	return report, cmp.Or(err, incomplete)
}

func (g target) must(report Report, err error) Report {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
	return report
}

func (g target) path(name string) string { return filepath.Join(g.root, name) }

func (g target) write(name, text string, mode fs.FileMode) {
	g.t.Helper()
	if err := os.MkdirAll(filepath.Dir(g.path(name)), 0o755); err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(g.path(name), []byte(text), mode); err != nil {
		g.t.Fatal(err)
	}
}

// tree lists everything with mode and content's hash, and times if wanted.
func (g target) tree(times bool) (entries []string) {
	g.t.Helper()
	err := filepath.WalkDir(g.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(g.root, path)
		entry := fmt.Sprintf("%s %v", name, info.Mode())
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sum := sha256.Sum256(text)
			entry += " " + hex.EncodeToString(sum[:4])
		}
		if times {
			entry += " " + info.ModTime().String()
		}
		entries = append(entries, entry)
		return nil
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return entries
}

func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func eachShell(t *testing.T, test func(g target)) {
	t.Parallel()
	for _, shell := range foreign.Shells(t) {
		t.Run(shell.Name, func(t *testing.T) {
			t.Parallel()
			test(newTarget(t, shell.Command))
		})
	}
}

var fullSeed = Seed{
	UserData: given("u", "#!/bin/sh\necho\n"), MetaData: given("m", "a: b\n"),
	NetworkConfig: given("n", "version: 2\n"), VendorData: given("v", gz("#!/bin/sh\n")),
}

func TestInstallIntoAnEmptyRoot(t *testing.T) {
	eachShell(t, func(g target) {
		report := g.must(g.run(true, fullSeed))
		if report.Seed != Installed || report.Replaced || report.Pin != Installed || !report.Absent || report.Disabled {
			g.t.Errorf("%+v", report)
		}
		_, files := render(g.t, fullSeed)
		for name, want := range files {
			got, err := os.ReadFile(g.path(SeedDir + "/" + name))
			if err != nil || string(got) != want {
				g.t.Errorf("%s is %q, %v", name, got, err)
			}
		}
		tree := strings.Join(g.tree(false), "\n")
		for _, want := range []string{
			"var/lib/cloud drwxr-xr-x", "var/lib/cloud/seed drwxr-xr-x", "var/lib/cloud/seed/nocloud drwx------",
			"nocloud/user-data -rw-------", "nocloud/meta-data -rw-------", "nocloud/network-config -rw-------",
			"nocloud/vendor-data -rw-------", PinFile[1:] + " -rw-r--r--", "etc/cloud/cloud.cfg.d drwxr-xr-x",
		} {
			if !strings.Contains(tree, want) {
				g.t.Errorf("no %q in\n%s", want, tree)
			}
		}
	})
}

func TestSecondRunChangesNothing(t *testing.T) {
	eachShell(t, func(g target) {
		g.must(g.run(true, fullSeed))
		before := g.tree(true)
		report := g.must(g.run(true, fullSeed))
		if report.Seed != Unchanged || report.Pin != Unchanged {
			g.t.Errorf("%+v", report)
		}
		if after := g.tree(true); !slices.Equal(before, after) {
			g.t.Errorf("before\n%s\nafter\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
		}
	})
}

func TestEarlierSeedIsReplacedAsAWhole(t *testing.T) {
	eachShell(t, func(g target) {
		g.must(g.run(true, fullSeed))
		g.write(SeedDir+"/extra", "stale", 0o644)
		g.write(SeedDir+"/.hidden", "stale", 0o644)
		report := g.must(g.run(true, Seed{InstanceID: "i-2"}))
		if report.Seed != Installed || !report.Replaced {
			g.t.Errorf("%+v", report)
		}
		if got := names(g.t, g.path(SeedDir)); !slices.Equal(got, []string{"meta-data", "user-data", "vendor-data"}) {
			g.t.Errorf("the seed has %v", got)
		}
		if got := names(g.t, filepath.Dir(g.path(SeedDir))); !slices.Equal(got, []string{"nocloud"}) {
			g.t.Errorf("beside the seed: %v", got)
		}
		g.write(SeedDir+"/network-config", "version: 2\n", 0o600)
		if report := g.must(g.run(true, Seed{InstanceID: "i-2"})); report.Seed != Installed {
			g.t.Errorf("a document too many is %s", report.Seed)
		}
	})
}

func TestWrongModesAreMended(t *testing.T) {
	eachShell(t, func(g target) {
		g.must(g.run(true, fullSeed))
		want := g.tree(false)
		for name, mode := range map[string]fs.FileMode{SeedDir + "/user-data": 0o644, PinFile: 0o600} {
			if err := os.Chmod(g.path(name), mode); err != nil {
				g.t.Fatal(err)
			}
		}
		if err := os.Chown(g.path(SeedDir+"/meta-data"), 12, 34); err != nil {
			g.t.Fatal(err)
		}
		report := g.must(g.run(true, fullSeed))
		if report.Seed != Installed || report.Replaced || report.Pin != Installed {
			g.t.Errorf("%+v", report)
		}
		if got := g.tree(false); !slices.Equal(got, want) {
			g.t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// A symbolic link in the seed's place is replaced, and what it points to left alone.
func TestSymlinkIsReplaced(t *testing.T) {
	eachShell(t, func(g target) {
		g.write("elsewhere/keep", "x", 0o644)
		if err := os.MkdirAll(filepath.Dir(g.path(SeedDir)), 0o755); err != nil {
			g.t.Fatal(err)
		}
		if err := os.Symlink(g.path("elsewhere"), g.path(SeedDir)); err != nil {
			g.t.Fatal(err)
		}
		g.must(g.run(false, fullSeed))
		info, err := os.Lstat(g.path(SeedDir))
		if err != nil || !info.IsDir() {
			g.t.Errorf("%v, %v", info, err)
		}
		if got := names(g.t, g.path("elsewhere")); !slices.Equal(got, []string{"keep"}) {
			g.t.Errorf("elsewhere: %v", got)
		}
	})
}

func TestPinOffRemovesAnEarlierPin(t *testing.T) {
	eachShell(t, func(g target) {
		if report := g.must(g.run(false, fullSeed)); report.Pin != None {
			g.t.Errorf("%+v", report)
		}
		g.must(g.run(true, fullSeed))
		if report := g.must(g.run(false, fullSeed)); report.Pin != Removed || report.Seed != Unchanged {
			g.t.Errorf("%+v", report)
		}
		if _, err := os.Stat(g.path(PinFile)); !errors.Is(err, fs.ErrNotExist) {
			g.t.Errorf("the pin is still there: %v", err)
		}
	})
}

func TestWhatIsInTheWayIsReported(t *testing.T) {
	eachShell(t, func(g target) {
		g.write("etc/cloud/cloud-init.disabled", "", 0o644)
		g.write("usr/bin/cloud-init", "#!/bin/sh\n", 0o755)
		g.write("etc/cloud/cloud.cfg.d/90_dpkg.cfg", "datasource_list: [ Ec2, None ]\n", 0o644)
		g.write("etc/cloud/cloud.cfg.d/zz later.cfg", "datasource_list: [ Ec2 ]\n", 0o644)
		g.write("etc/cloud/cloud.cfg.d/zzz.cfg", "# datasource_list\n", 0o644)
		report := g.must(g.run(true, fullSeed))
		if report.Absent || !report.Disabled || !slices.Equal(report.Overridden, []string{"/etc/cloud/cloud.cfg.d/zz later.cfg"}) {
			g.t.Errorf("%+v", report)
		}
	})
}

// An upload that broke off must leave the seed that is there as it is.
func TestFailureLeavesTheEarlierSeed(t *testing.T) {
	eachShell(t, func(g target) {
		g.must(g.run(true, fullSeed))
		before := g.tree(true)
		other, _ := render(g.t, Seed{InstanceID: "i-2"})
		for what, spoil := range map[string]func(dir string){
			"short":   func(dir string) { _ = os.Truncate(filepath.Join(dir, "meta-data"), 3) },
			"pin":     func(dir string) { _ = os.Truncate(filepath.Join(dir, pinName), 3) },
			"missing": func(dir string) { _ = os.Remove(filepath.Join(dir, "meta-data")) },
		} {
			if _, err := g.runRendered(Installer{Pin: true}, other, spoil); err == nil {
				g.t.Errorf("%s: no error", what)
			}
			if after := g.tree(true); !slices.Equal(after, before) {
				g.t.Errorf("%s: before\n%s\nafter\n%s", what, strings.Join(before, "\n"), strings.Join(after, "\n"))
			}
		}
	})
}

// Killed between its two renames, an earlier run leaves no seed; the next mends it.
func TestInterruptedRunIsMended(t *testing.T) {
	eachShell(t, func(g target) {
		g.must(g.run(true, fullSeed))
		seeds := filepath.Dir(g.path(SeedDir))
		if err := os.Rename(g.path(SeedDir), filepath.Join(seeds, ".nocloud.old")); err != nil {
			g.t.Fatal(err)
		}
		g.write("var/lib/cloud/seed/.nocloud.new/user-data", "half", 0o600)
		if report := g.must(g.run(true, fullSeed)); report.Seed != Unchanged {
			g.t.Errorf("%+v", report)
		}
		if got := names(g.t, seeds); !slices.Equal(got, []string{"nocloud"}) {
			g.t.Errorf("left: %v", got)
		}
	})
}

func TestReportMustBeComplete(t *testing.T) {
	for _, text := range []string{"", "nocloud.done=yes\n", "nocloud.seed=installed\nnocloud.pin=none\n"} {
		if _, err := ParseReport(text); !errors.Is(err, ErrNoReport) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestScriptHoldsNoContent(t *testing.T) {
	seed, _ := render(t, Seed{UserData: given("u", "#!/bin/sh\n# s3cret\n")})
	if strings.Contains(string(Installer{Pin: true}.Script(seed)), "s3cret") {
		t.Error("the user-data is in the script")
	}
}

// A step that fails ends the script; it must not go on to say that it is done.
func TestFailingStepFailsTheScript(t *testing.T) {
	eachShell(t, func(g target) {
		g.write("etc/cloud/cloud.cfg.d", "a file where a directory belongs", 0o644)
		if report, err := g.run(true, fullSeed); err == nil {
			g.t.Errorf("no error, but %+v", report)
		}
	})
}

// A script that is ended on the way removes what it began and keeps what was there.
func TestEndedRunLeavesNothing(t *testing.T) {
	// Under nohup, and in some services, shells would be started with it ignored.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(hangups) }) // after the subtests, which go on when this returns
	eachShell(t, func(g target) {
		g.must(g.run(true, fullSeed))
		other, _ := render(g.t, Seed{InstanceID: "i-2"})
		for ending, c := range map[string]struct {
			before string
			status int
		}{"TERM": {"\tswap\n\tsay seed", 143}, "HUP": {"\tmv \"$fresh\" \"$target\"\n", 129}} {
			var upload string
			_, err := g.runRendered(Installer{Pin: true}, other, func(dir string) {
				upload = dir
				path := filepath.Join(dir, "install.sh")
				script, err := os.ReadFile(path)
				if err != nil || strings.Count(string(script), c.before) != 1 {
					g.t.Fatalf("%v: no %q", err, c.before)
				}
				spoilt := strings.Replace(string(script), c.before, "\tkill -"+ending+" $$\n"+c.before, 1)
				if err := os.WriteFile(path, []byte(spoilt), 0o700); err != nil {
					g.t.Fatal(err)
				}
			})
			wantStatus(g.t, err, c.status)
			if _, err := os.Stat(upload); !errors.Is(err, fs.ErrNotExist) {
				g.t.Errorf("%s: the upload is still there: %v", ending, err)
			}
			if left := names(g.t, filepath.Dir(g.path(SeedDir))); !slices.Equal(left, []string{"nocloud"}) {
				g.t.Errorf("%s: left %v", ending, left)
			}
		}
		if report := g.must(g.run(true, fullSeed)); report.Seed != Unchanged || report.Pin != Unchanged {
			g.t.Errorf("%+v", report)
		}
	})
}
