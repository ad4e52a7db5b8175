// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hcldec"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/zclconf/go-cty/cty"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/seedconfig"
)

func TestAllErrorsAtOnce(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := new(Provisioner).Prepare(map[string]any{
		"user_data": "hostname: a\n", "user_data_file": "/x",
		"meta_data": "instance-id: nocloud\n", "meta_data_file": "/x",
		"network_config_file": empty,
		"vendor_data_file":    "/nonexistent",
		"hostname":            "a b",
		"instance_id":         "nocloud",
		"execute_command":     "sudo sh",
		"remote_folder":       "tmp",
	})
	var all *packersdk.MultiError
	if !errors.As(err, &all) {
		t.Fatalf("%T %v", err, err)
	}
	for _, start := range []string{
		"user_data and user_data_file are both set", "meta_data and meta_data_file are both set",
		"user_data, line 1", "meta_data, line 1", "network_config_file (" + empty + "): ", "vendor_data_file: ",
		"hostname: ", "instance_id: ", "execute_command does not run", "remote_folder must be",
	} {
		found := false
		for _, e := range all.Errors {
			found = found || strings.HasPrefix(e.Error(), start)
		}
		if !found {
			t.Errorf("no error begins with %q in %v", start, err)
		}
	}
}

func TestPrepareRefuses(t *testing.T) {
	for says, config := range map[string]map[string]any{
		"unknown configuration key":   {"user_date": "x"},
		"execute_command is not a":    {"execute_command": "{{ .Path"},
		"there is no operation":       {"generalise_operations": []string{"log"}, "execute_command": seedconfig.Unknown},
		"vendor_data, line 1":         {"vendor_data": "x"},
		"network_config, line 1":      {"network_config": "- a"},
		"user_data, line 2, column 3": {"user_data": "#cloud-config\na:\tb\n"},
	} {
		if err := new(Provisioner).Prepare(config); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("want %q, got %v", says, err)
		}
	}
}

// Free-form text is not for Packer's templates; paths are.
func TestJinjaSurvives(t *testing.T) {
	text := "## template: jinja\n#cloud-config\nhostname: {{ ds.meta_data.hostname }}{% if x %}{{ nosuchfunc }}{% endif %}\n"
	script := "#!/bin/sh\necho {{ .Nope }} {{ template }}\n"
	values := map[string]any{
		"user_data": text, "vendor_data": script, "meta_data": "a: '{{ b }}'\n", "network_config": "version: 2\n# {{ c }}\n",
		"cloud_config": text, "runcmd": []string{script}, "hostname": "web",
	}
	for _, variables := range []map[string]any{nil, {"name": "web"}} { // those of a JSON template, which has no others
		var p Provisioner
		if variables != nil {
			values["packer_user_variables"], values["hostname"] = variables, "{{ user `name` }}"
		}
		if err := p.Prepare(values); err != nil {
			t.Fatal(err)
		}
		c := p.config
		if c.UserData != text || c.VendorData != script || c.MetaData != "a: '{{ b }}'\n" || c.NetworkConfig != "version: 2\n# {{ c }}\n" ||
			c.CloudConfig != text || c.Runcmd[0] != script || c.Hostname != "web" {
			t.Errorf("%v: %+v", variables, c)
		}
	}
	var p Provisioner
	if err := p.Prepare(map[string]any{"user_data_file": "{{ nosuchfunc }}"}); err == nil {
		t.Error("a path was not interpolated")
	}
}

// hclConfig is a provisioner's block as Packer sends it, with the attributes given.
func hclConfig(values map[string]string) cty.Value {
	kind := hcldec.ImpliedType(new(Provisioner).ConfigSpec())
	attributes := map[string]cty.Value{}
	for name, t := range kind.AttributeTypes() {
		attributes[name] = cty.NullVal(t)
		if v, ok := values[name]; ok {
			attributes[name] = cty.StringVal(v)
		}
	}
	return cty.ObjectVal(attributes)
}

// Packer prepares provisioners twice: before the build with "<unknown>" for what
// depends on it, and when the values are there.
func TestPreparedTwice(t *testing.T) {
	var p Provisioner
	all := map[string]string{}
	for _, name := range []string{"user_data", "meta_data", "network_config", "vendor_data_file", "instance_id", "hostname", "execute_command", "remote_folder"} {
		all[name] = seedconfig.Unknown
	}
	if err := p.Prepare(hclConfig(all)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.render(); err == nil || !strings.Contains(err.Error(), "user_data, meta_data, network_config, vendor_data_file, instance_id, hostname, execute_command, remote_folder") {
		t.Errorf("rendered what is unknown: %v", err)
	}
	if err := p.Prepare(hclConfig(map[string]string{"user_data": "#cloud-config\na: b\n", "hostname": "web"})); err != nil {
		t.Fatal(err)
	}
	if p.config.InstanceID != "" || p.config.ExecuteCommand != defaultExecuteCommand || p.config.RemoteFolder != "/tmp" {
		t.Errorf("the first Prepare shows in the second: %+v", p.config)
	}
	if _, rendered, err := p.render(); err != nil || len(rendered.Files) != 2 {
		t.Errorf("%v, %v", rendered, err)
	}
	if err := p.Prepare(hclConfig(map[string]string{"user_data": "x"})); err == nil {
		t.Error("a wrong text passes the second time")
	}
}
