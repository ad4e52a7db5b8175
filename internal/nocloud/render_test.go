// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

func render(t *testing.T, s Seed) (Rendered, map[string]string) {
	t.Helper()
	out, err := s.Render()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range out.Files {
		files[f.Name] = string(f.Content)
		if f.Mode != 0o600 {
			t.Errorf("%s has mode %v", f.Name, f.Mode)
		}
	}
	return out, files
}

func TestEmptySeedHasUserDataAndMetaData(t *testing.T) {
	out, files := render(t, Seed{})
	want := map[string]string{
		"user-data": "#cloud-config\n{}\n",
		"meta-data": "instance-id: " + out.InstanceID + "\n",
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Error(diff)
	}
	if !out.Derived || !strings.HasPrefix(out.InstanceID, "iid-") {
		t.Errorf("instance-id %q, derived %v", out.InstanceID, out.Derived)
	}
}

func TestDocumentsAreKeptByteForByte(t *testing.T) {
	s := Seed{
		UserData:      given("u", "#cloud-config\na: b"),
		MetaData:      given("m", "# who\ninstance-id:   x  # it\n\n"),
		NetworkConfig: given("n", "version: 2\n\n\n"),
		VendorData:    given("v", gz("#!/bin/sh\n")),
	}
	out, files := render(t, s)
	want := map[string]string{
		"user-data": string(s.UserData.Text), "meta-data": string(s.MetaData.Text),
		"network-config": string(s.NetworkConfig.Text), "vendor-data": string(s.VendorData.Text),
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Error(diff)
	}
	if out.InstanceID != "x" || out.Derived {
		t.Errorf("instance-id %q, derived %v", out.InstanceID, out.Derived)
	}
}

func TestMetaDataIsCompleted(t *testing.T) {
	for _, c := range []struct{ given, id, host, want string }{
		{"", "i-1", "", "instance-id: i-1\n"},
		{"", "i-1", "web.example.com", "instance-id: i-1\nlocal-hostname: web.example.com\n"},
		{"# c\n", "i-1", "", "instance-id: i-1\n# c\n"},
		{"---\n", "i-1", "", "instance-id: i-1\n"},
		{"~\n", "i-1", "", "instance-id: i-1\n"},
		{"a: b\n", "i-1", "", "instance-id: i-1\na: b\n"},
		{"a: b", "i-1", "", "instance-id: i-1\na: b"},
		{"# c\n---\na: b\n", "i-1", "", "# c\n---\ninstance-id: i-1\na: b\n"},
		{"  a: b\n  c: d\n", "i-1", "w", "  instance-id: i-1\n  local-hostname: w\n  a: b\n  c: d\n"},
		{"instance-id: x\n", "", "w", "local-hostname: w\ninstance-id: x\n"},
		{"instance-id: x\n", "x", "", "instance-id: x\n"},
		{"{}", "i-1", "w", `{"instance-id": "i-1", "local-hostname": "w"}`},
		{"{\n \"a\": 1}\n", "i-1", "", "{\"instance-id\": \"i-1\", \n \"a\": 1}\n"},
		{"# ü {\n{a: 1}\n", "i-1", "", "# ü {\n{\"instance-id\": \"i-1\", a: 1}\n"},
		{"", "on", "", "instance-id: \"on\"\n"},
		{"", "007", "", "instance-id: \"007\"\n"},
		{"", "a: b", "", "instance-id: \"a: b\"\n"},
		{"", "1e5", "", "instance-id: \"1e5\"\n"},
		{"", `a"\é<`, "", `instance-id: "a\"\\é<"` + "\n"},
	} {
		s := Seed{InstanceID: c.id, Hostname: c.host}
		if c.given != "" {
			s.MetaData = given("meta_data", c.given)
		}
		if _, files := render(t, s); files["meta-data"] != c.want {
			t.Errorf("of %q came %q, want %q", c.given, files["meta-data"], c.want)
		}
	}
}

func TestDerivedIDDependsOnEverything(t *testing.T) {
	seeds := []Seed{
		{},
		{UserData: given("u", "")},
		{UserData: given("u", "#!/bin/sh\n")},
		{VendorData: given("u", "#!/bin/sh\n")},
		{MetaData: given("m", "a: b\n")},
		{NetworkConfig: given("n", "version: 2\n")},
		{Hostname: "a"},
		{Hostname: "b"},
	}
	seen := map[string]int{}
	for i, s := range seeds {
		first, _ := render(t, s)
		again, _ := render(t, s)
		if first.InstanceID != again.InstanceID {
			t.Errorf("seed %d has the ids %s and %s", i, first.InstanceID, again.InstanceID)
		}
		if other, twice := seen[first.InstanceID]; twice {
			t.Errorf("seeds %d and %d share %s", other, i, first.InstanceID)
		}
		seen[first.InstanceID] = i
	}
}

func TestNamesAreChecked(t *testing.T) {
	for _, c := range []struct {
		seed            Seed
		attribute, says string
	}{
		{Seed{InstanceID: "nocloud"}, "instance_id", "clones"},
		{Seed{InstanceID: ".."}, "instance_id", "directory"},
		{Seed{InstanceID: "a\nb"}, "instance_id", "directory"},
		{Seed{InstanceID: " a"}, "instance_id", "directory"},
		{Seed{Hostname: "a b"}, "hostname", "not a host name"},
		{Seed{Hostname: "-a"}, "hostname", "not a host name"},
		{Seed{InstanceID: "a", MetaData: given("meta_data", "instance-id: b\n")}, "meta_data", `instance-id is "b" here and "a" in instance_id`},
		{Seed{Hostname: "a", MetaData: given("meta_data", "local-hostname: b\n")}, "meta_data", "in hostname"},
	} {
		problems := c.seed.Check().Errors()
		if len(problems) != 1 || problems[0].Attribute != c.attribute || !strings.Contains(problems[0].Text, c.says) {
			t.Errorf("%+v: %v", c.seed, problems)
		}
	}
}

// What is for another reader than cloud-init is taken as it is, and nothing else is.
func TestRaw(t *testing.T) {
	for _, text := range []string{"#ps1_sysnative\r\nhostname\r\n", "version: v1alpha1\nmachine: {type: worker}\n", "{\"ignition\": {}}", "\x00\x01\xff", "# mine\n#cloud-config\n", gz("mine")} {
		s := Seed{UserData: given("user_data", text), VendorData: given("vendor_data", text)}
		if problems := s.Check().Errors(); len(problems) != 2 && !strings.Contains(text, "\r\n") {
			t.Errorf("without raw, %q: %v", text, problems)
		}
		s.Raw = true
		if problems := s.Check(); len(problems) > 0 {
			t.Errorf("%q: %v", text, problems)
		}
		if _, files := render(t, s); files[UserDataFile] != text || files[VendorDataFile] != text {
			t.Errorf("%q became %q", text, files)
		}
		s.Parts = []Part{{Document: given("part", text)}}
		if problems := s.Check(); len(problems) > 0 {
			t.Errorf("%q as a part: %v", text, problems)
		}
	}
	for says, s := range map[string]Seed{
		"header is missing": {UserData: given("user_data", "a: b\n")},
		"key: value":        {UserData: given("user_data", cc+"a: b: c\n"), Raw: true},
		"more than a seed":  {UserData: given("user_data", strings.Repeat("x", MaxSize+1)), Raw: true},
		"top level is":      {MetaData: given("meta_data", "mine"), Raw: true},
	} {
		if problems := s.Check().Errors(); len(problems) != 1 || !strings.Contains(problems[0].Error(), says) {
			t.Errorf("%s: %v", says, problems)
		}
	}
}

func TestWarningsAreNoErrors(t *testing.T) {
	for says, s := range map[string]Seed{
		"empty":             {UserData: given("u", "\n")},
		"cloud-config is e": {UserData: given("u", "#cloud-config\n# nothing\n")},
		"boothook":          {UserData: given("u", "#cloud-boothook\necho\n")},
		"not closed":        {UserData: given("u", mimeTop+"--==B==\n\n#!/bin/sh\n")},
		"dsmode: disabled":  {MetaData: given("m", "dsmode: disabled\n")},
		"does not know and": {MetaData: given("m", "dsmode: network\n")},
		"seedfrom":          {MetaData: given("m", "seedfrom: http://x/\n"), NetworkConfig: given("n", "version: 2\nethernets: {}\n")},
		"says nothing":      {NetworkConfig: given("n", "{}\n")},
		"prefix length":     {NetworkConfig: given("n", "version: 2\nethernets: {a: {addresses: [192.0.2.1]}}\n")},
		"known here":        {NetworkConfig: given("n", "version: 2\nsomething-quite-new: {}\n")},
	} {
		problems := s.Check()
		if len(problems) != 1 || !problems[0].Warning || !strings.Contains(problems[0].Text, says) || problems.Err() != nil {
			t.Errorf("%s: %v", says, problems)
		}
	}
}

func TestSchemaOfRealCloudInitAcceptsWhatIsRendered(t *testing.T) {
	if _, err := os.Stat("/usr/bin/cloud-init"); err != nil {
		t.Skip("no cloud-init on this host")
	}
	configs := []string{"", "#cloud-config\nruncmd:\n- [ls, -l]\n", "#cloud-config\nusers:\n- default\n- name: a\n  shell: /bin/sh\n",
		"#cloud-config\nwrite_files:\n- path: /a\n  content: |\n    \tx\n  permissions: '0600'\n", "#cloud-config\nhostname: a\npackage_update: yes\npackages: [vim]\n"}
	for i, config := range configs {
		var s Seed
		if config != "" {
			s.UserData = given("user_data", config)
		}
		if err := s.Check().Err(); err != nil {
			t.Errorf("%q: %v", config, err)
		}
		_, files := render(t, s)
		path := filepath.Join(t.TempDir(), fmt.Sprintf("%d.yaml", i))
		if err := os.WriteFile(path, []byte(files["user-data"]), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := command.Output(t.Context(), command.Host{}, command.Command{Path: "/usr/bin/cloud-init", Args: []string{"schema", "-c", path}}); err != nil {
			t.Errorf("%q: %v\n%s", config, err, out)
		}
	}
}

// The examples that cloud-init ships must pass, but for what makes them no seeds:
// alternatives side by side under one key, and archives of mere words. Two say
// packages_update, which no module reads: a mistake in them.
func TestExamplesOfCloudInitPass(t *testing.T) {
	paths, err := filepath.Glob("/usr/share/doc/cloud-init/examples/*.txt*")
	if err != nil || len(paths) == 0 {
		t.Skip("no examples of cloud-init on this host")
	}
	checked := 0
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, ".gz") {
			if text, err = gunzip(text); err != nil {
				t.Fatal(err)
			}
		}
		if classify(string(text)) == unrecognised {
			continue // fragments of configuration
		}
		checked++
		s := Seed{UserData: Document{Attribute: "user_data_file", Source: path, Text: text}}
		for _, p := range s.Check().Errors() {
			alternatives := strings.Contains(p.Text, "given twice")
			words := strings.Contains(path, "archive") && strings.Contains(p.Text, "a plain value")
			misspelt := strings.Contains(path, "ansible") && strings.HasPrefix(p.Text, "packages_up")
			if !alternatives && !words && !misspelt {
				t.Error(p.Error())
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d of %d files are user-data", checked, len(paths))
	}
}
