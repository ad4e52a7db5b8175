// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
)

func TestGeneraliseIsASwitchOrAList(t *testing.T) {
	none := cty.NullVal(cty.DynamicPseudoType)
	words := func(names ...string) cty.Value {
		var values []cty.Value
		for _, n := range names {
			values = append(values, cty.StringVal(n))
		}
		return cty.TupleVal(values)
	}
	for _, c := range []struct {
		name         string
		given        cty.Value
		dry          bool
		first, error string
		least, most  int
	}{
		{name: "not given", given: none},
		{name: "false", given: cty.False},
		{name: "no name", given: cty.EmptyTupleVal},
		{name: "true", given: cty.True, first: "machine-id", least: 40, most: 75},
		{name: "one", given: words("logs"), first: "logs", least: 1, most: 1},
		{name: "a text", given: cty.StringVal("logs"), first: "logs", least: 1, most: 1},
		{name: "catalogue's order", given: words("logs", "ssh-host-keys"), first: "ssh-host-keys", least: 2, most: 2},
		{name: "without one", given: words("-machine-id"), first: "ssh-host-keys", least: 40, most: 75},
		{name: "all", given: words("all", "-first-boot"), first: "machine-id", least: 70, most: 200},
		{name: "misspelt", given: words("log"), error: `generalise: there is no operation "log" (did you mean "logs"?)`},
		{name: "nothing left", given: words("logs", "-logs"), error: "generalise: logs, -logs leaves no operation"},
		{name: "a mapping", given: cty.ObjectVal(map[string]cty.Value{"a": cty.True}), error: "neither true, false nor a list"},
		{name: "dry run of nothing", given: none, dry: true, error: "generalise_dry_run is set, but generalise is not"},
	} {
		block := hclConfig(nil).AsValueMap()
		block["generalise"] = c.given
		block["generalise_dry_run"] = cty.BoolVal(c.dry)
		var p Provisioner
		err := p.Prepare(cty.ObjectVal(block))
		if c.error != "" {
			if err == nil || !strings.Contains(err.Error(), c.error) {
				t.Errorf("%s: %v, want %q", c.name, err, c.error)
			}
			continue
		}
		ops, opsErr := p.config.operations()
		if err != nil || opsErr != nil || len(ops) < c.least || len(ops) > c.most || len(ops) > 0 && ops[0].Name != c.first {
			t.Errorf("%s: %v %v, %d operations %v", c.name, err, opsErr, len(ops), ops)
		}
	}
	for given, wanted := range map[any]bool{true: true, false: false, "true": true, "logs": true} {
		var p Provisioner
		if err := p.Prepare(map[string]any{"generalise": given}); err != nil {
			t.Errorf("%v: %v", given, err)
		}
		if ops, err := p.config.operations(); err != nil || len(ops) > 0 != wanted {
			t.Errorf("of a JSON template, %v: %d operations, %v", given, len(ops), err)
		}
	}
}

// put makes a file of the target.
func (b *bench) put(path, text string) {
	b.t.Helper()
	path = filepath.Join(b.comm.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) has(path string) bool {
	_, err := os.Lstat(filepath.Join(b.comm.root, path))
	return err == nil
}

func TestProvisionGeneralises(t *testing.T) {
	b := newBench(t, map[string]any{"generalise": []string{"default", "-logs"}, "generalise_dry_run": true, "user_data": "#cloud-config\npackages: [nginx]\n"})
	b.put("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
	b.put("/etc/ssh/ssh_host_rsa_key", "x")
	b.put("/var/lib/cloud/instances/i-old/obj.pkl", "x")
	b.put("/var/log/messages", "x")
	b.put("/tmp/a\x1b[31m name", "x")
	for i := range 25 {
		b.put("/var/crash/"+strings.Repeat("x", i+1), "x")
	}
	b.must()
	said := b.said.String()
	for _, text := range []string{
		"Generalising would change (nothing is changed): machine-id 1, ssh-host-keys 1, cloud-init-state 1, crash-data 25, tmp-files 1",
		"ssh-host-keys: remove /etc/ssh/ssh_host_rsa_key", "machine-id: truncate /etc/machine-id", "tmp-files: remove /tmp/a?[31m name",
		"crash-data: and 5 more",
	} {
		if !strings.Contains(said, text) {
			t.Errorf("nothing said of %q in\n%s", text, said)
		}
	}
	if !b.has("/etc/ssh/ssh_host_rsa_key") || !b.has("/tmp/a\x1b[31m name") {
		t.Error("the dry run removes")
	}
	b.clean()
	b.p.config.GeneraliseDryRun = false
	b.said.Reset()
	b.must()
	if !strings.Contains(b.said.String(), "Generalised the machine: machine-id 1, ssh-host-keys 1, cloud-init-state 1, crash-data 25, tmp-files 1") {
		t.Error(b.said.String())
	}
	if b.has("/etc/ssh/ssh_host_rsa_key") || b.has("/var/lib/cloud/instances/i-old") || b.has("/tmp/a\x1b[31m name") {
		t.Error("not all was removed")
	}
	if !b.has(nocloud.SeedDir+"/user-data") || !b.has(nocloud.PinFile) || b.read("/var/log/messages") != "x" {
		t.Error("more was removed than asked for")
	}
	b.said.Reset()
	b.must()
	if !strings.Contains(b.said.String(), "there was nothing left to do") {
		t.Error(b.said.String())
	}
	b.clean()
}

func TestGeneraliseSaysWhatFailed(t *testing.T) {
	b := newBench(t, map[string]any{"generalise": "true"})
	b.comm.failUpload = "generalise.sh"
	if err := b.provision(t.Context()); err == nil || !strings.Contains(err.Error(), "generalising the machine: uploading generalise.sh: no space left") {
		t.Error(err)
	}
	b.clean()
	b = newBench(t, map[string]any{"generalise": "true", "execute_command": "case {{ .Path }} in */generalise.sh) ;; *) sh {{ .Path }};; esac"})
	if err := b.provision(t.Context()); err == nil || !strings.Contains(err.Error(), "did not report that it was done") {
		t.Error(err)
	}
	b.clean()
}
