// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

const hidden = "s3cr3t"

// withCloudInit puts a release's real cloud-init on a target, to be run by the
// host's Python.
func (g target) withCloudInit(release string) {
	g.t.Helper()
	const python = "/usr/bin/python3"
	tree := foreign.CloudInitTree(g.t, release)
	if _, err := os.Stat(python); err != nil || tree == "" {
		g.t.Skip("no cloud-init to be had")
	}
	packages := filepath.Join(tree, "usr/lib/python3/dist-packages")
	g.write("usr/bin/cloud-init", "#!/bin/sh\nPYTHONPATH="+packages+" exec "+python+" -m cloudinit.cmd.main \"$@\"\n", 0o755)
	files, err := filepath.Glob(filepath.Join(packages, "cloudinit/*version*.py"))
	if err != nil || len(files) == 0 {
		g.t.Fatal(err, files)
	}
	for _, file := range files {
		version, err := os.ReadFile(file)
		if err != nil {
			g.t.Fatal(err)
		}
		g.write("usr/lib/python3/dist-packages/cloudinit/"+filepath.Base(file), string(version), 0o644)
	}
}

// The machine's own schema stops a seed before anything is changed, and shows
// nothing of what is in it.
func TestMachineSchema(t *testing.T) {
	t.Parallel()
	cc := "#cloud-config\nhostname: a\nruncmd: " + hidden + "\nusers:\n- name: x\n  passwd: [" + hidden + "]\n"
	// A value that looks like another message of the tool.
	nasty := strings.Replace(cc, "passwd: [", "passwd: [\"a, hostname: "+hidden+"\", ", 1)
	part := "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: text/cloud-config\n\n" +
		"runcmd: " + hidden + "\n--B\nContent-Type: text/x-shellscript\n\n#!/bin/sh\n--B--\n"
	for name, c := range map[string]struct {
		seed    Seed
		release map[string][]string
	}{
		"cloud-config": {Seed{UserData: given("user_data", cc)}, map[string][]string{
			"bookworm": {"user_data, line 3, column 1: runcmd is not of type 'array', says cloud-init 22.4.2's own schema", "user_data, line 5, column 3: users[0] has none of the forms"},
			"trixie":   {"user_data, line 3, column 1: runcmd is not of type 'array', says cloud-init 2", "user_data, line 6, column 3: users[0].passwd is not of type 'string'"},
		}},
		"nasty": {Seed{UserData: given("user_data", nasty)}, map[string][]string{
			"bookworm": {"runcmd is not of type 'array'", "line 5, column 3: users[0] "},
			"trixie":   {"runcmd is not of type 'array'", "line 6, column 3: users[0].passwd "},
		}},
		"part": {Seed{UserData: given("user_data", part)}, map[string][]string{
			"bookworm": {"user_data, part 1, line 7, column 1: runcmd is not of type 'array'"},
			"trixie":   {"user_data, part 1, line 7, column 1: runcmd is not of type 'array'"},
		}},
		"archive": {Seed{UserData: given("user_data", "#cloud-config-archive\n- |\n  #cloud-config\n  hostname: a\n- type: text/cloud-config\n  content: |\n    ntp: {}\n    runcmd: "+hidden+"\n")}, map[string][]string{
			"bookworm": {"user_data, part 2, line 8, column 1: runcmd is not of type 'array'"},
			"trixie":   {"user_data, part 2, line 8, column 1: runcmd is not of type 'array'"},
		}},
		"archive in one line, compressed": {Seed{UserData: given("user_data", gz("#cloud-config-archive\n[\"#!/bin/sh\", \"#cloud-config\\nruncmd: "+hidden+"\"]\n"))}, map[string][]string{
			"trixie": {"user_data, decompressed, part 2, line 2, column 1: runcmd is not of type 'array'"},
		}},
		"network": {Seed{NetworkConfig: given("network_config", "version: 2\nethernets:\n  a:\n    dhcp4: "+hidden+"\n")}, map[string][]string{
			"trixie": {"network_config, line 4, column 5: ethernets.a.dhcp4 is not one of ['yes', 'no', True, False]"},
		}},
		"key": {Seed{UserData: given("user_data", "#cloud-config\nfoo_bar: "+hidden+"\n")}, map[string][]string{
			"trixie": {"user_data, line 2, column 1: foo_bar is, or has, a key that is not allowed there"},
		}},
		"list": {Seed{UserData: given("user_data", "#cloud-config\nwrite_files:\n- {path: /a, encoding: "+hidden+"}\n")}, map[string][]string{
			"bookworm": {"user_data, line 3, column 14: write_files[0].encoding is not one of ["},
		}},
	} {
		for release, says := range c.release {
			t.Run(name+" "+release, func(t *testing.T) {
				t.Parallel()
				g := newTarget(t, shells["dash"])
				g.withCloudInit(release)
				before := g.tree(true)
				seed, _ := render(t, c.seed)
				report, err := g.install(Installer{Judge: true}, c.seed)
				wantStatus(t, err, ExitRefused, "refuses the seed")
				if after := g.tree(true); !slices.Equal(before, after) {
					t.Errorf("before\n%s\nafter\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
				}
				all := fmt.Sprint(seed.Judgement(c.seed, report).Err())
				for _, text := range says {
					if !strings.Contains(all, text) {
						t.Errorf("no %q in\n%s", text, all)
					}
				}
				if strings.Contains(all+err.Error(), hidden) {
					t.Errorf("the secret shows: %s, %v", all, err)
				}
				if !strings.Contains(fmt.Sprint(report.Judged), hidden) {
					t.Log("the tool does not repeat the secret")
				}
			})
		}
	}
}

// What the tool says twice, as it does with and without a template, is told once.
func TestComplaintsAreToldOnce(t *testing.T) {
	s := Seed{UserData: given("user_data", "#cloud-config\nhostname: 1\n")}
	seed, _ := render(t, s)
	const said = "Cloud config schema errors: hostname: 1 is not of type 'string'\n"
	report := Report{Version: "25.1.4", Judged: []Verdict{{UserDataFile, "refused", said + said}}}
	if got := seed.Judgement(s, report); len(got) != 1 || got[0].Line != 2 {
		t.Errorf("%v", got)
	}
}

// What is deprecated is told, and does not stop anything. 22.4 fails for it.
func TestMachineSchemaDeprecations(t *testing.T) {
	t.Parallel()
	s := Seed{
		UserData:      given("user_data", "#cloud-config\nusers:\n- name: x\n  lock-passwd: true\nchpasswd: {list: \"x:"+hidden+"\"}\n"),
		NetworkConfig: given("network_config", "version: 2\nethernets: {a: {dhcp4: true}}\n"),
	}
	for release, wants := range map[string][]string{
		"bookworm": {"line 4, column 3: users[0].lock-passwd is deprecated: Dropped", "line 5, column 12: chpasswd.list is deprecated"},
		"trixie":   {"line 4, column 3: users[0].lock-passwd is deprecated: Deprecated in version 22.3. Use lock_passwd instead, says", "line 5, column 12: chpasswd.list is deprecated"},
	} {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			g := newTarget(t, shells["busybox"])
			g.withCloudInit(release)
			report := g.must(g.install(Installer{Judge: true}, s))
			seed, _ := render(t, s)
			problems := seed.Judgement(s, report)
			all := fmt.Sprint(problems)
			for _, text := range wants {
				if !strings.Contains(all, text) {
					t.Errorf("no %q in\n%s", text, all)
				}
			}
			if len(problems.Warnings()) != len(problems) || strings.Contains(all, hidden) || strings.Contains(all, "could not judge") || report.Seed != Installed {
				t.Errorf("%+v", problems)
			}
		})
	}
}

// Keys of the user's own modules are not for the machine's schema, which refuses them.
func TestMachineSchemaAndCustomKeys(t *testing.T) {
	t.Parallel()
	text := "#cloud-config\nhostname: a\nmine:\n  a: b\n\n# x\nruncmd: [[a]]\n"
	s := Seed{UserData: given("user_data", text), CustomKeys: []string{"mine"}}
	g := newTarget(t, shells["dash"])
	g.withCloudInit("trixie")
	report := g.must(g.install(Installer{Judge: true, CustomKeys: s.CustomKeys}, s))
	seed, _ := render(t, s)
	if problems := seed.Judgement(s, report); len(problems) > 0 || len(report.Judged) != 1 || report.Judged[0].Result != "passed" {
		t.Errorf("%v, %+v", problems, report.Judged)
	}
	if got := seed.judged(s.CustomKeys); got[0].text != "#cloud-config\nhostname: a\n#\n#\n#\n#\nruncmd: [[a]]\n" {
		t.Errorf("judged was %q", got[0].text)
	}
}

// Lists of sudo rules, which 22.4 carries out, do not keep a seed from being installed
// because its schema knows them not; of what else is wrong, the place stays the same.
func TestMachineSchemaAndSudoLists(t *testing.T) {
	t.Parallel()
	const text = "#cloud-config\nusers:\n- name: a\n  sudo: ['ALL=(ALL) NOPASSWD:ALL'] # all\n- {name: b, sudo: [ALL=ALL, \"b=]\"], uid: 1000}\n" +
		"- sudo:\n  - ALL=(ALL) /bin/a\n\n  # more\n  - ALL=(ALL) /bin/b\n  name: c\n"
	g := newTarget(t, shells["dash"])
	g.withCloudInit("bookworm")
	s := Seed{UserData: given("user_data", text)}
	seed, _ := render(t, s)
	report := g.must(g.install(Installer{Judge: true}, s))
	if problems := seed.Judgement(s, report); len(problems) > 0 || len(report.Judged) != 1 || report.Judged[0].Result != "passed" {
		t.Errorf("%v, %+v", problems, report.Judged)
	}
	if got, err := os.ReadFile(g.path(SeedDir + "/" + UserDataFile)); err != nil || string(got) != text {
		t.Errorf("installed was %q, %v", got, err)
	}

	s = Seed{UserData: given("user_data", text+"- name: d\n  passwd: [a]\n  sudo: ['a=b']\nruncmd: c\n")}
	seed, _ = render(t, s)
	report, err := g.install(Installer{Judge: true}, s)
	wantStatus(t, err, ExitRefused)
	all := fmt.Sprint(seed.Judgement(s, report).Err())
	for _, says := range []string{"line 12, column 3: users[3] has none of the forms", "line 15, column 1: runcmd is not of type 'array'"} {
		if !strings.Contains(all, says) {
			t.Errorf("no %q in %s", says, all)
		}
	}
}

// Our YAML parser ends lines where others do not; that must not confuse what is shown.
func TestJudgedLinesOfEveryKind(t *testing.T) {
	const text = cc + "# \u2028# \u2029# \u0085mine: a\nusers:\n- {name: a, sudo: ['a=b']}\n- sudo:\n  - c=d\n  name: e\nmine2: b\n"
	seed, _ := render(t, Seed{UserData: given("user_data", text), CustomKeys: []string{"mine", "mine2"}})
	const want = cc + "# \n# \n# \n#\nusers:\n- {name: a, sudo: x      }\n- sudo: x\n\n  name: e\n#\n#\n"
	if got := seed.judged([]string{"mine", "mine2"}); len(got) != 1 || got[0].text != want {
		t.Errorf("%+v", got)
	}
}

// What is not written as lists of rules mostly are is judged as it is.
func TestListsThatAreJudgedAsTheyAre(t *testing.T) {
	for _, users := range []string{
		"- {name: a, sudo: null}", "- {name: a, sudo: 'a=b'}", "- {name: a, sudo: ['a=b',\n   'c=d']}", "- {name: a, sudo: [&x 'a=b', *x]}",
		"- name: a\n  sudo: !!seq ['a=b']", "- name: a\n  sudo:\n  - |\n    a=b", "- name: a\n  ? sudo\n  : - a=b", "- name: a\n  sudo: []", "a: {sudo: ['a=b']}", "[]", "null",
	} {
		text := cc + "users:\n" + strings.TrimPrefix(users, "\n") + "\n"
		seed, _ := render(t, Seed{UserData: given("user_data", text)})
		if got := seed.judged(nil); len(got) != 1 || got[0].text != text || got[0].extra {
			t.Errorf("%q became %+v", text, got)
		}
	}
}

// Tools that answer otherwise than known neither stop the installation nor say
// anything of the seed.
func TestMachineSchemaOfAnotherKind(t *testing.T) {
	s := Seed{UserData: given("user_data", "#cloud-config\nhostname: "+hidden+"\n")}
	for name, c := range map[string]struct {
		tool, want string
		refused    bool
	}{
		"broken":       {"echo 'Traceback: " + hidden + "' >&2; exit 1", "could not judge it", false},
		"older":        {"[ \"$1\" = devel ] && exec echo Valid cloud-config; echo \"invalid choice: 'schema'\"; exit 2", "[]", false},
		"other words":  {"echo 'Cloud config schema errors: " + hidden + "'; exit 1", "refuses it, in words that are not known here", true},
		"other values": {"echo 'Cloud config schema errors: hostname: " + hidden + " is odd'; exit 1", "hostname is refused in words that are not shown", true},
	} {
		t.Run(name, func(t *testing.T) {
			g := machineWith(t, "dash", nil)
			g.write("usr/bin/cloud-init", "#!/bin/sh\n"+c.tool+"\n", 0o755)
			report, err := g.install(Installer{Judge: true}, s)
			if c.refused {
				wantStatus(t, err, ExitRefused)
			} else if err != nil {
				t.Error(err)
			}
			seed, _ := render(t, s)
			problems := seed.Judgement(s, report)
			if all := fmt.Sprint(problems); !strings.Contains(all, c.want) || strings.Contains(all, hidden) || c.refused != (problems.Err() != nil) {
				t.Errorf("%s", all)
			}
		})
	}
}

func TestWhatIsJudged(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		files []string
	}{
		"plain":    {cc + "a: b\n", []string{"user-data"}},
		"script":   {"#!/bin/sh\n", nil},
		"template": {"## template: jinja\n" + cc + "a: {{ b }}\n", nil},
		"gzip":     {gz(cc + "a: b\n"), []string{"judged-0.yaml"}},
		"huge":     {cc + "a: " + strings.Repeat("x", maxJudgedBytes) + "\n", nil},
		"message":  {mimeTop + "--==B==\nContent-Type: text/cloud-config\nContent-Transfer-Encoding: base64\n\nYTogYgo=\n--==B==\n\n#cloud-config\na: c\n--==B==--\n", []string{"judged-0.yaml", "judged-1.yaml"}},
	} {
		seed, _ := render(t, Seed{UserData: given("user_data", c.text)})
		var files []string
		for _, j := range seed.judged(nil) {
			files = append(files, j.file)
			if !strings.HasPrefix(j.text, "#cloud-config\n") {
				t.Errorf("%s: %q", name, j.text)
			}
		}
		if !slices.Equal(files, c.files) {
			t.Errorf("%s: %v", name, files)
		}
	}
}

// What our own schema has told of a value is not told again in the tool's words.
func TestDeprecationsAreToldOnce(t *testing.T) {
	s := Seed{UserData: given("user_data", "#cloud-config\npower_state: {mode: halt, delay:\n  '+5'}\napt_update: true\n")}
	seed, _ := render(t, s)
	report := Report{Version: "22.4.2", Judged: []Verdict{{UserDataFile, "valid",
		"Cloud config schema deprecations: apt_update: DEPRECATED: Dropped. Use x., apt_upgrade: y, power_state.delay: DEPRECATED: Use of string\n"}}}
	ours := s.CheckFor(report.SchemaVersion())
	all := seed.Judgement(s, report)
	if unsaid := all.Unsaid(ours); len(ours) != 2 || len(all) != 2 || len(unsaid) != 0 || len(all.Unsaid(nil)) != 2 {
		t.Errorf("ours %v, the tool's %v, unsaid %v", ours, all, unsaid)
	}
}
