// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/packer-plugin-sdk/rpc"
	"github.com/zclconf/go-cty/cty"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
)

func TestGeneraliseIsASwitchWithAList(t *testing.T) {
	for _, c := range []struct {
		name         string
		on           cty.Value
		operations   []string
		dry          bool
		first, error string
		least, most  int
	}{
		{name: "not given", on: cty.NullVal(cty.Bool)},
		{name: "false", on: cty.False},
		{name: "false with a list", on: cty.False, operations: []string{"logs"}},
		{name: "true", on: cty.True, first: "machine-id", least: 40, most: 75},
		{name: "one", on: cty.True, operations: []string{"logs"}, first: "logs", least: 1, most: 1},
		{name: "catalogue's order", on: cty.NullVal(cty.Bool), operations: []string{"logs", "ssh-host-keys"}, first: "ssh-host-keys", least: 2, most: 2},
		{name: "without one", on: cty.True, operations: []string{"-machine-id"}, first: "ssh-host-keys", least: 40, most: 75},
		{name: "all", on: cty.NullVal(cty.Bool), operations: []string{"all", "-first-boot"}, first: "machine-id", least: 70, most: 200},
		{name: "misspelt", on: cty.True, operations: []string{"log"}, error: `generalise_operations: there is no operation "log" (did you mean "logs"?)`},
		{name: "nothing left", on: cty.True, operations: []string{"logs", "-logs"}, error: "generalise_operations: logs, -logs leaves no operation"},
		{name: "dry run of a list that is not known yet", on: cty.NullVal(cty.Bool), operations: []string{}, dry: true},
		{name: "dry run of what is not known yet", on: cty.False, dry: true},
		{name: "dry run of nothing", on: cty.NullVal(cty.Bool), dry: true, error: "generalise_dry_run is set, but generalise is not"},
	} {
		block := hclConfig(nil).AsValueMap()
		block["generalise"], block["generalise_dry_run"] = c.on, cty.BoolVal(c.dry)
		var names []cty.Value
		for _, name := range c.operations {
			names = append(names, cty.StringVal(name))
		}
		if names != nil {
			block["generalise_operations"] = cty.ListVal(names)
		} else if c.operations != nil {
			block["generalise_operations"] = cty.ListValEmpty(cty.String)
		}
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
}

// What Packer's newer protocol cannot say ends packer with a panic.
func TestConfigSpecGoesOverTheWire(t *testing.T) {
	for name, spec := range new(Provisioner).ConfigSpec() {
		if _, err := rpc.ToProto(spec); err != nil {
			t.Errorf("%s: %v", name, err)
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
	b := newBench(t, map[string]any{"generalise_operations": []string{"default", "-logs"}, "generalise_dry_run": true, "user_data": "#cloud-config\npackages: [nginx]\n"})
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
	if shown := strings.Count(said, "crash-data: remove"); shown != 20 {
		t.Errorf("%d of 25 names are shown", shown)
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

// What generalising removes does not stand in the proof's way, which is repeated
// after it.
func TestProofComesAfterGeneralising(t *testing.T) {
	tree := foreign.CloudInitTree(t, "trixie")
	if tree == "" {
		t.Skip("no cloud-init to be had")
	}
	program, err := os.ReadFile(filepath.Join(tree, "usr/lib/cloud-init/ds-identify"))
	if err != nil {
		t.Fatal(err)
	}
	const leftover = "/var/lib/cloud/instance/manual-clean"
	for _, c := range []struct {
		name    string
		config  map[string]any
		spoil   string
		failure string
	}{
		{name: "generalised", config: map[string]any{"generalise": "true"}},
		{name: "not generalised", config: map[string]any{}, failure: "cloud-init would not use it: cloud-init would go on with the data of an earlier boot"},
		{name: "state kept", config: map[string]any{"generalise_operations": []string{"logs"}}, failure: "cloud-init would not use it"},
		{name: "dry run", config: map[string]any{"generalise": "true", "generalise_dry_run": true}, failure: "cloud-init would not use it"},
		{name: "spoilt", config: map[string]any{"generalise": "true"}, spoil: "rm %s" + nocloud.SeedDir + "/meta-data",
			failure: "proving once more, after generalising, that cloud-init will find the seed: ds-identify, which decides at boot, does not find the seed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.config)
			b.put("/usr/lib/cloud-init/ds-identify", string(program))
			b.put(leftover, "")
			if c.spoil != "" {
				b.p.config.ExecuteCommand = "sh {{ .Path }} && case {{ .Path }} in */generalise.sh) " + strings.ReplaceAll(c.spoil, "%s", b.comm.root) + ";; esac"
			}
			err := b.provision(t.Context())
			if c.failure == "" && (err != nil || b.has(leftover) || strings.Contains(b.said.String(), "manual_cache_clean")) {
				t.Errorf("%v; left: %v\n%s", err, b.has(leftover), b.said.String())
			}
			if c.failure != "" && (err == nil || !strings.Contains(err.Error(), c.failure)) {
				t.Errorf("%v, want %q", err, c.failure)
			}
			b.clean()
		})
	}
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
