// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

// realIdentify is a release's ds-identify.
func realIdentify(t *testing.T, release string) []byte {
	t.Helper()
	tree := foreign.CloudInitTree(t, release)
	if tree == "" {
		t.Skip("no cloud-init to be had")
	}
	program, err := os.ReadFile(filepath.Join(tree, "usr/lib/cloud-init/ds-identify"))
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// eachIdentify runs a test in the shells of Debian and of small systems, on a target
// with the real ds-identify of each release.
func eachIdentify(t *testing.T, test func(g target)) {
	t.Parallel()
	for _, release := range []string{"bookworm", "trixie"} {
		program := realIdentify(t, release)
		for _, name := range []string{"dash", "busybox"} {
			t.Run(release+" "+name, func(t *testing.T) {
				g := newTarget(t, shells[name])
				g.root = filepath.Join(t.TempDir(), "root") // ds-identify does not quote its paths
				g.write("usr/lib/cloud-init/ds-identify", string(program), 0o755)
				g.write("usr/bin/cloud-init", "#!/bin/sh\n", 0o755)
				g.write("etc/cloud/cloud.cfg", "datasource_list: [ Ec2, NoCloud, None ]\n", 0o644)
				test(g)
			})
		}
	}
}

// repeat runs the script once more, as the builder does at the end.
func (g target) repeat(i Installer, seed Rendered) (string, error) {
	g.t.Helper()
	i.Root = g.root
	return command.Output(g.t.Context(), command.Host{}, command.Command{
		Path: g.shell[0], Args: append(slices.Clone(g.shell[1:]), "-c", string(i.Script(seed))),
		Env: []string{"PATH=" + os.Getenv("PATH"), "DISKIMAGE_REPEAT=yes"},
	})
}

// proveAgain runs what is for after generalising.
func (g target) proveAgain(i Installer, seed Rendered) (string, error) {
	g.t.Helper()
	i.Root = g.root
	return command.Output(g.t.Context(), command.Host{}, command.Command{
		Path: g.shell[0], Args: append(slices.Clone(g.shell[1:]), "-c", string(i.ProofScript(seed))), Env: []string{"PATH=" + os.Getenv("PATH")},
	})
}

// wantStatus checks how the script ended and what it said.
func wantStatus(t *testing.T, err error, status int, says ...string) {
	t.Helper()
	var exit *command.ExitError
	if !errors.As(err, &exit) || exit.Status != status {
		t.Fatalf("want exit status %d, got %v", status, err)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("no %q in %q", text, err)
		}
	}
}

func TestProofFindsTheSeedAndChangesNothing(t *testing.T) {
	eachIdentify(t, func(g target) {
		for _, pin := range []bool{false, true} {
			report := g.must(g.run(pin, fullSeed))
			if report.Proof != Found || pin != strings.Contains(report.Chosen, "NoCloud") {
				g.t.Errorf("pinned %v: %+v", pin, report)
			}
		}
		before := g.tree(true)
		g.must(g.run(true, fullSeed))
		if after := g.tree(true); !slices.Equal(before, after) {
			g.t.Errorf("before\n%s\nafter\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
		}
	})
}

// No path is left at which ds-identify would look at the machine that builds.
func TestProofLooksAtTheTreeOnly(t *testing.T) {
	script, err := installParts.ReadFile("install/proof.sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, release := range []string{"bookworm", "trixie"} {
		program := realIdentify(t, release)
		paths := regexp.MustCompile(`(?m)^PATH_[A-Z0-9_]+`).FindAll(program, -1)
		if len(paths) < 15 {
			t.Errorf("%s: only %q", release, paths)
		}
		for _, path := range paths {
			if !regexp.MustCompile(`\b` + string(path) + `\b`).Match(script) {
				t.Errorf("%s: %s is not given", release, path)
			}
		}
	}
}

// With the pin in its place ds-identify says yes to a tree without a seed.
func TestProofMissesMetaData(t *testing.T) {
	eachIdentify(t, func(g target) {
		seed, _ := render(g.t, fullSeed)
		g.must(g.run(true, fullSeed))
		said, err := g.repeat(Installer{Pin: true}, seed)
		if err != nil || !strings.Contains(said, "ds-identify finds the seed") {
			g.t.Errorf("%q, %v", said, err)
		}
		if err := os.Remove(g.path(SeedDir + "/meta-data")); err != nil {
			g.t.Fatal(err)
		}
		_, err = g.repeat(Installer{Pin: true}, seed)
		wantStatus(g.t, err, ExitNotFound, "does not find the seed in "+SeedDir, "meta-data is missing there")
		if err := os.RemoveAll(g.path(SeedDir)); err != nil {
			g.t.Fatal(err)
		}
		_, err = g.repeat(Installer{}, seed)
		wantStatus(g.t, err, ExitNotFound, "there is no such directory")
	})
}

func TestProofOfTheChoice(t *testing.T) {
	for name, c := range map[string]struct {
		path, text string
		says       []string
	}{
		"another datasource":  {IdentifyFile, "datasource: Ec2\n", []string{"chooses [ Ec2, None ] and not NoCloud", IdentifyFile}},
		"policy":              {IdentifyFile, "policy: disabled\n", []string{"turns cloud-init off", IdentifyFile}},
		"later list":          {"/etc/cloud/cloud.cfg.d/zz.cfg", "datasource_list: [ Ec2 ]\n", []string{"[ Ec2", "not NoCloud: see /etc/cloud/cloud.cfg.d/zz.cfg"}},
		"later, several":      {"/etc/cloud/cloud.cfg.d/zz.cfg", "datasource_list: [ MAAS, Bigstep, Ec2 ]\n", []string{"chooses no datasource", ": see /etc/cloud/cloud.cfg.d/zz.cfg"}},
		"manual cache, clean": {"/var/lib/cloud/instance/manual-clean", "", []string{"manual_cache_clean"}},
	} {
		t.Run(name, func(t *testing.T) {
			eachIdentify(t, func(g target) {
				g.write(c.path, c.text, 0o644)
				_, err := g.run(true, fullSeed)
				wantStatus(g.t, err, ExitNotFound, c.says...)
				if text, err := os.ReadFile(g.path(c.path)); err != nil || string(text) != c.text {
					g.t.Errorf("somebody else's file is now %q, %v", text, err)
				}
			})
		})
	}
}

// What is removed after the script is no reason for it to fail. Afterwards it is.
func TestProofAfterGeneralising(t *testing.T) {
	eachIdentify(t, func(g target) {
		const leftover = "/var/lib/cloud/instance/manual-clean"
		g.write(leftover, "", 0o644)
		g.write("etc/cloud/cloud.cfg.d/manual.cfg", "manual_cache_clean: true\n", 0o644)
		installer := Installer{Pin: true, Forgets: true}
		report := g.must(g.install(installer, fullSeed))
		if report.Proof != Found || !strings.Contains(report.Chosen, "NoCloud") || len(report.Cache) > 0 {
			g.t.Errorf("%+v", report)
		}
		seed, _ := render(g.t, fullSeed)
		_, err := g.repeat(installer, seed)
		wantStatus(g.t, err, ExitNotFound, "set generalise, or remove manual_cache_clean")
		_, err = g.proveAgain(installer, seed)
		wantStatus(g.t, err, ExitNotFound, "manual_cache_clean")
		if err := os.Remove(g.path(leftover)); err != nil {
			g.t.Fatal(err)
		}
		before := g.tree(true)
		if said, err := g.proveAgain(installer, seed); err != nil || !strings.Contains(said, "nocloud.proof=found") {
			g.t.Errorf("%q, %v", said, err)
		}
		if after := g.tree(true); !slices.Equal(before, after) {
			g.t.Errorf("before\n%s\nafter\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
		}
	})
}

// ds-identify runs before /var is there: then it must be told by name.
func TestLateVar(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]struct{ shell, path, text string }{
		"fstab": {"dash", "etc/fstab", "UUID=1 / ext4 defaults 0 1\n# UUID=3 /opt\nLABEL=var\t/var xfs defaults 0 2\n"},
		"unit":  {"bash posix", "etc/systemd/system/var.mount", "[Mount]\nWhere=/var\n"},
		"below": {"busybox", "etc/fstab", "tmpfs /var/lib/cloud tmpfs defaults 0 0\n"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newTarget(t, shells[table.shell])
			g.write("etc/fstab", "UUID=1 / ext4 defaults 0 1\n#UUID=2 /var ext4 defaults\nUUID=3 /var/log ext4 defaults 0 0\n", 0o644)
			if report := g.must(g.run(true, fullSeed)); report.Identify != "" {
				t.Errorf("%+v", report)
			}
			g.write(table.path, table.text, 0o644)
			for _, want := range []Change{Installed, Unchanged} {
				if report := g.must(g.run(true, fullSeed)); report.Identify != want {
					t.Errorf("want %s: %+v", want, report)
				}
			}
			text, err := os.ReadFile(g.path(IdentifyFile))
			if err != nil || !strings.HasSuffix(string(text), "\ndatasource: NoCloud\n") {
				t.Errorf("%q, %v", text, err)
			}
			for _, want := range []Change{Removed, Late} {
				if report := g.must(g.run(false, fullSeed)); report.Identify != want {
					t.Errorf("want %s: %+v", want, report)
				}
			}
			g.write(IdentifyFile, "policy: search\n", 0o644)
			if report := g.must(g.run(true, fullSeed)); report.Identify != Kept {
				t.Errorf("%+v", report)
			}
		})
	}
}

// Where the list is not ours, a search that cannot see /var finds nothing.
func TestProofOfTheChoiceWithoutVar(t *testing.T) {
	eachIdentify(t, func(g target) {
		g.write("etc/cloud/cloud.cfg.d/zz.cfg", "datasource_list: [ NoCloud, Bigstep, None ]\n", 0o644)
		g.write(IdentifyFile, "policy: search,found=all\n", 0o644)
		if report := g.must(g.run(true, fullSeed)); !strings.Contains(report.Chosen, "NoCloud") {
			g.t.Errorf("%+v", report)
		}
		g.write("etc/fstab", "LABEL=var /var xfs defaults 0 2\n", 0o644)
		_, err := g.run(true, fullSeed)
		wantStatus(g.t, err, ExitNotFound, "chooses no datasource")
	})
}

// What a mount point hides is known only at the end of the build.
func TestLateVarAtTheEnd(t *testing.T) {
	eachIdentify(t, func(g target) {
		seed, _ := render(g.t, fullSeed)
		g.must(g.run(true, fullSeed))
		g.write("etc/fstab", "LABEL=var /var xfs defaults 0 2\n", 0o644)
		for range 2 {
			if said, err := g.repeat(Installer{Pin: true}, seed); err != nil || !strings.Contains(said, "finds the seed") {
				g.t.Errorf("%q, %v", said, err)
			}
			if _, err := os.Stat(g.path(IdentifyFile)); err != nil {
				g.t.Error(err)
			}
		}
		said, err := g.repeat(Installer{}, seed)
		if _, missing := os.Stat(g.path(IdentifyFile)); err != nil || !errors.Is(missing, fs.ErrNotExist) {
			g.t.Errorf("%q, %v, %v", said, err, missing)
		}
		g.write("boot/grub/grub.cfg", "linux /vmlinuz ro cloud-init=disabled\n", 0o644)
		if said, err = g.repeat(Installer{}, seed); err != nil || !strings.Contains(said, "Warning: /boot/grub/grub.cfg has cloud-init=disabled") ||
			!strings.Contains(said, "set pin_datasource") {
			g.t.Errorf("%q, %v", said, err)
		}
	})
}
