// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// write makes a file in the workspace.
func (w workspace) write(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// several is a build of three sources with every kind of variable and of
// settings that Packer offers for provisioners.
const several = `
  source "diskimage.tiny" {
    name     = "first"
    formats  = ["qcow2"]
    elements = ["tiny-os"]
  }
  source "diskimage.tiny" {
    name     = "second"
    formats  = ["raw"]
    elements = ["tiny-os", "probe"]
  }
  source "diskimage.tiny" {
    name    = "third"
    formats = ["raw"]
  }
  dynamic "provisioner" {
    for_each = ["a", "b"]
    labels   = ["shell"]
    content {
      inline = ["echo ${provisioner.value}: ${local.all}"]
    }
  }
  provisioner "shell" {
    only         = ["diskimage.first"]
    pause_before = "1ms"
    timeout      = "5m"
    max_retries  = 2
    inline       = ["echo $NAME tries", "test -e /etc/tried || { touch /etc/tried; exit 4; }"]
    override = {
      first = { environment_vars = ["NAME=overridden"] }
    }
  }
  provisioner "shell" {
    except            = ["diskimage.first"]
    continue_on_error = true
    inline            = ["echo fails in vain", "exit 9"]
  }
}
variable "flag" { default = "unset" }
variable "file" { default = "unset" }
variable "environment" { default = "unset" }
locals {
  all = "${var.flag} ${var.file} ${var.environment}"
`

func TestAccFlagsAndVariables(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	template := w.template("", several)
	text, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(regexp.MustCompile(`(?m)^  (sources|image_name) .*\n`).ReplaceAllString(string(text), ""))
	w.write("tiny.pkr.hcl", string(text))
	values := w.write("values.pkrvars.hcl", `file = "from-file"`)
	status, out := runPacker(t, w.dir, w.env("PKR_VAR_environment=from-env", "PACKER_NO_COLOR="), "build",
		"-parallel-builds=1", "-except=diskimage.third", "-timestamp-ui", "-color=false",
		"-var", "flag=from-flag", "-var-file="+values, template)
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	for _, want := range []string{
		"diskimage.first: a: from-flag from-file from-env\n", "diskimage.second: b: from-flag from-file from-env\n",
		"retrying with 2 trie(s) left", "diskimage.second: fails in vain\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("not shown: %q", want)
		}
	}
	if tries := strings.Count(out, "overridden tries\n"); tries != 2 {
		t.Errorf("the failing provisioner was tried %d times", tries)
	}
	if regexp.MustCompile(`diskimage.third|diskimage.first: fails|diskimage.second: .* tries|\x1b`).MatchString(out) {
		t.Error("something ran or was coloured that should not be")
	}
	checkTimestamps(t, out)
	// One after the other: once the second has begun the first says no more.
	if strings.LastIndex(out, "diskimage.first: Time by") > strings.Index(out, "diskimage.second: Elements") &&
		strings.LastIndex(out, "diskimage.second: Time by") > strings.Index(out, "diskimage.first: Elements") {
		t.Error("both were built at once")
	}
	if t.Failed() {
		t.Log(out)
	}
	w.assertClean()
	machineReadable(t, w, template)
}

func checkTimestamps(t *testing.T, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "==> diskimage.") {
			t.Errorf("a line without its time: %s", line)
		}
	}
}

// machineReadable builds one of the sources again, over its output, for a
// program to read.
func machineReadable(t *testing.T, w workspace, template string) {
	t.Helper()
	status, out := runPacker(t, w.dir, w.env(), "-machine-readable", "build", "-force", "-only=*.first", template)
	path := filepath.Join(w.output, "tiny.qcow2")
	for _, want := range []string{
		",diskimage.first,artifact-count,1\n", ",artifact,0,builder-id," + BuilderID + "\n",
		",artifact,0,files-count,1\n", ",artifact,0,file,0," + path + "\n", ",artifact,0,id,sha256:",
	} {
		if status != 0 || !strings.Contains(out, want) {
			t.Fatalf("status %d, or no %q:\n%s", status, want, out)
		}
	}
	for line := range strings.Lines(out) {
		if strings.Count(line, ",") < 3 || strings.Contains(line, " %\n") {
			t.Errorf("not for a program: %s", line)
		}
	}
}

// A template in JSON builds what the one in HCL does.
func TestAccJSONTemplate(t *testing.T) {
	needPacker(t)
	t.Parallel()
	hcl, legacy := newWorkspace(t), newWorkspace(t)
	fixtures, err := filepath.Abs("testdata/elements")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{
		"variables": map[string]string{"word": "", "user": "{{env `USERWORD`}}"},
		"builders": []any{map[string]any{
			"type": "diskimage", "element_paths": []string{fixtures}, "skip_base": true, "image_name": "tiny",
			"elements": []string{"tiny-os", "probe", "block-device-gpt"}, "formats": []string{"raw"},
			"work_directory": legacy.work, "output_directory": legacy.output,
			"environment": map[string]string{"PROBE_X": "{{user `word`}}"},
			"tmpfs":       "never", // the file system of the tree decides on the disk's size
		}},
		"provisioners": []any{map[string]any{
			"type": "shell", "inline": []string{"echo {{user `word`}} {{user `user`}} > /etc/words"},
			"override": map[string]any{"diskimage": map[string]any{"execute_command": "{{.Vars}} sh {{.Path}}"}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	template := legacy.write("tiny.json", string(text))
	env := []string{"USERWORD=user"}
	if status, out := runPacker(t, legacy.dir, legacy.env(env...), "build", "-var", "word=given", template); status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	legacy.assertClean()
	other := hcl.template(`
  elements    = ["tiny-os", "probe", "block-device-gpt"]
  formats     = ["raw"]
  tmpfs       = "never"
  environment = { PROBE_X = "given" }`, `
  provisioner "shell" { inline = ["echo given user > /etc/words"] }`)
	if status, out := runPacker(t, hcl.dir, hcl.env(env...), "build", other); status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	hcl.assertClean()
	if a, b := described(t, legacy), described(t, hcl); a != b || !strings.Contains(a, "given user\n") {
		t.Errorf("the JSON template built\n%s\nand the HCL template\n%s", a, b)
	}
}

// described is what foreign programs say of the disk and the files in it.
func described(t *testing.T, w workspace) string {
	t.Helper()
	raw := filepath.Join(w.output, "tiny.raw")
	label, parts := partitionsOf(t, raw)
	root := extract(t, raw, parts[1])
	checkFilesystem(t, "ext4", root)
	copied := t.TempDir()
	judge(t, "debugfs", "-R", "rdump / "+copied, root)
	files := judge(t, "sh", "-c", "cd "+copied+" && cat etc/words && find . -type f -print0 | sort -z | xargs -0 sha256sum")
	return fmt.Sprintln(label, parts, "\n"+files)
}
