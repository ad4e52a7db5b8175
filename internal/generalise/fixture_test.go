// SPDX-License-Identifier: MPL-2.0

package generalise_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/generalise"
)

// fixture is a line of testdata/fixtures.txt.
type fixture struct {
	operations []string
	families   string
	effect     string
	path       string
}

// contents are what files hold that matter, and what they hold afterwards.
var contents = map[string][2]string{
	"/etc/machine-id":                   {"0123456789abcdef0123456789abcdef\n", "uninitialized\n"},
	"/var/lib/dbus/machine-id":          {"0123456789abcdef0123456789abcdef\n", "/etc/machine-id"},
	"/etc/iscsi/initiatorname.iscsi":    {"## made at installation\nInitiatorName=iqn.1993-08.org.debian:01:abc\n", "GenerateName=yes\n"},
	"/lib/open-iscsi/startup-checks.sh": {"#!/bin/sh\nif grep -q ^GenerateName=yes $NAMEFILE; then\n", ""},
	"/etc/passwd": {"root:x:0:0:root:/root:/bin/bash\nservice:x:99:99::/var/lib/service:/bin/sh\nroot2:x:0:0::/:/bin/sh\n" +
		"none:x:98:98::/nonexistent:/bin/false\nann:x:1000:1000:Ann:/home/ann:/bin/bash\nup:x:97:97::/../..:/bin/sh\nempty:x:96:96:::\nup2:x:95:95::../..:/bin/sh\n", ""},
	"/etc/sysconfig/network-scripts/ifcfg-eth0":  {"DEVICE=eth0\nHWADDR=52:54:00:12:34:56\nBOOTPROTO=dhcp\nUUID=\"1-2\"\nNAME='a  b\\n'", "DEVICE=eth0\nBOOTPROTO=dhcp\nNAME='a  b\\n'\n"},
	"/etc/sysconfig/network/ifcfg-eth0":          {"STARTMODE=auto\nLLADDR=52:54:00:12:34:56\nHWADDR=1\nUUID=2\n", "STARTMODE=auto\n"},
	"/etc/sysconfig/network-scripts/ifcfg-ens3":  {madeByCloudInit, ""},
	"/etc/sysconfig/network-scripts/route-ens3":  {madeByCloudInit, ""},
	"/etc/sysconfig/network-scripts/route6-ens3": {madeByCloudInit, ""},
	"/etc/sysconfig/network/ifcfg-ens3":          {madeByCloudInit, ""},
	"/etc/sysconfig/network/ifroute-ens3":        {madeByCloudInit, ""},
	"/etc/fstab":                                 {"UUID=1 / ext4 defaults 0 1\n/dev/vdb /mnt auto defaults,nofail,comment=cloudconfig 0 2\n\n# a comment\n", "UUID=1 / ext4 defaults 0 1\n\n# a comment\n"},
}

const madeByCloudInit = "# Created by cloud-init automatically, do not edit.\n#\nBOOTPROTO=dhcp\n"

// everyKind are names that a pattern for all entries has to find.
var everyKind = []string{"plain", ".hidden", "..odd", "-rf", "with  blank", "*", "back\\slash", "new\nline", "\xff", "sub/"}

func fixtures(t *testing.T) (list []fixture) {
	t.Helper()
	text, err := os.ReadFile("testdata/fixtures.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if words := strings.SplitN(line, " ", 4); len(words) == 4 && words[0] != "#" {
			list = append(list, fixture{strings.Split(words[0], ","), words[1], words[2], words[3]})
		}
	}
	return list
}

// of are the fixtures of a family.
func of(list []fixture, family generalise.Family) []fixture {
	return slices.DeleteFunc(slices.Clone(list), func(f fixture) bool { return !strings.Contains(f.families, string(family)[:1]) })
}

// entries are the paths that a fixture stands for.
func (f fixture) entries() (paths []string) {
	dir, all := strings.CutSuffix(f.path, "/*")
	if !all {
		return []string{f.path}
	}
	for _, name := range everyKind {
		paths = append(paths, dir+"/"+name)
	}
	return paths
}

func (f fixture) make(t *testing.T, root string) {
	t.Helper()
	for _, p := range f.entries() {
		if dir, is := strings.CutSuffix(p, "/"); is {
			if f.effect == "stay" {
				must(t, os.MkdirAll(root+dir, 0o755))
				continue
			}
			write(t, root+dir+"/file", "x\n")
			write(t, root+dir+"/deeper/.file", "x\n")
			continue
		}
		text := "x\n"
		if c, ok := contents[p]; ok {
			text = c[0]
		}
		write(t, root+p, text)
	}
}

// apply changes a snapshot as the operation has to, and lists what it does.
func (f fixture) apply(tree map[string]string) (does []string) {
	for _, p := range f.entries() {
		p = strings.TrimSuffix(p, "/")
		does = append(does, f.effect+" "+strings.ReplaceAll(p, "\n", `\n`))
		before := tree[p]
		mode, _, _ := strings.Cut(before, " ")
		switch f.effect {
		case "remove":
			maps.DeleteFunc(tree, func(k, _ string) bool { return k == p || strings.HasPrefix(k, p+"/") })
		case "truncate":
			tree[p] = mode + " "
		case "edit", "write":
			tree[p] = mode + " " + contents[p][1]
		case "link":
			tree[p] = "link " + contents[p][1]
		}
	}
	return does
}

// snapshot is every entry of a tree with its mode and content.
func snapshot(t *testing.T, root string) map[string]string {
	t.Helper()
	tree := map[string]string{}
	must(t, filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		is := ""
		switch {
		case e.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(p)
			is = "link " + link
			if err != nil {
				return err
			}
		case e.Type().IsRegular():
			text := []byte("x\n") // as most are
			if info.Size() != int64(len(text)) {
				if text, err = os.ReadFile(p); err != nil {
					return err
				}
			}
			is = fmt.Sprintf("%v %s", info.Mode(), text)
		default:
			is = fmt.Sprint(info.Mode())
		}
		tree[strings.TrimPrefix(p, root)] = is
		return nil
	}))
	return tree
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if _, err := os.Lstat(path); err == nil {
		must(t, os.RemoveAll(path))
	} else {
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	}
	must(t, os.WriteFile(path, []byte(text), 0o640))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: only root generalises a machine")
	}
}

// run runs a script in a shell, and returns what it printed.
func run(t *testing.T, shell string, script []byte, env ...string) (stdout string, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "generalise.sh")
	must(t, os.WriteFile(file, script, 0o700))
	words := append(strings.Fields(shell), file)
	return command.Output(t.Context(), command.Host{}, command.Command{
		Path: words[0], Args: words[1:], Env: append([]string{"PATH=" + os.Getenv("PATH")}, env...),
	})
}

func mustRun(t *testing.T, shell string, r generalise.Request) generalise.Report {
	t.Helper()
	out, err := run(t, shell, r.Script())
	if err != nil {
		t.Fatalf("%s: %v\n%s", shell, err, out)
	}
	report, err := generalise.ParseReport(out)
	if err != nil {
		t.Fatalf("%s: %v\n%s", shell, err, out)
	}
	return report
}

func choose(t *testing.T, names ...string) []generalise.Operation {
	t.Helper()
	ops, err := generalise.Select(names)
	must(t, err)
	return ops
}
