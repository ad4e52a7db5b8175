// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const nullBuild = `
source "null" "n" {
  communicator = "none"
}
build {
  sources = ["source.null.n"]
`

// What the data source makes is read by other blocks of the template, over both
// protocols and without root, and what is in the seed stands in no log.
func TestAccNoCloudDataSource(t *testing.T) {
	needPacker(t)
	t.Parallel()
	n := newNobody(t)
	text := `
variable "password" {
  default   = "hush-sesame"
  sensitive = true
}
data "diskimage-nocloud" "x" {
  hostname         = "web-1"
  instance_id      = "i-1"
  user_data        = "#cloud-config\nruncmd: [[echo, s3kr1t-in-user-data, '{{ v1.jinja }}']]\nwrite_files: [{path: /x, content: ${var.password}}]\n"
  seed_url         = "http://{{ .HTTPIP }}:{{ .HTTPPort }}/"
  media            = ["iso", "vfat", "directory"]
  output_directory = "seeds"
}
data "diskimage-nocloud" "cached" {
  media = ["iso"]
}
data "diskimage-nocloud" "nothing" {
  media = []
}
` + nullBuild + say(`replace(data.diskimage-nocloud.x.kernel_argument_quoted, "{{", "((")`) +
		say("keys(data.diskimage-nocloud.x.files)") + say("keys(data.diskimage-nocloud.x.http_files)") +
		say("[data.diskimage-nocloud.nothing.iso, data.diskimage-nocloud.nothing.directory_files, data.diskimage-nocloud.nothing.warnings]") +
		say("data.diskimage-nocloud.cached.iso") + `
  provisioner "shell-local" {
    env = {
      ISO = data.diskimage-nocloud.x.iso
      FAT = data.diskimage-nocloud.x.vfat
      DIR = data.diskimage-nocloud.x.directory
    }
    inline = [
      "xorriso -indev \"$ISO\" -toc -lsl / 2>&1",
      "MTOOLS_SKIP_CHECK=1 mtype -i \"$FAT\" ::meta-data",
      "stat -c 'mode %a of %F' \"$ISO\" \"$FAT\" \"$DIR\" \"$DIR\"/* \"$PWD/seeds\"",
      "grep -c 'jinja' \"$DIR/user-data\" | sed 's/^/lines with jinja: /'",
    ]
  }
}
`
	for _, protocol := range []string{"", "PACKER_FORCE_GOB=1"} {
		status, out := n.run(t, "build", "t.pkr.hcl", text, protocol, "PACKER_LOG=1")
		if status != 0 {
			t.Fatalf("status %d:\n%s", status, out)
		}
		for _, want := range []string{
			`said "'ds=nocloud;dsmode=net;s=http://(( .HTTPIP }}:(( .HTTPPort }}/;h=web-1;i=i-1'"`, `said ["meta-data","user-data"]`,
			`said ["/meta-data","/network-config","/user-data","/vendor-data"]`, `said ["",[],[]]`,
			`said "` + n.dir + `/cache/nocloud/seed-`, "Rock_Ridge Joliet", "'user-data'", "local-hostname: web-1",
			"mode 600 of regular file", "mode 700 of directory", "lines with jinja: 1",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("no %q in\n%s", want, out)
			}
		}
		for _, bad := range []string{"hush-sesame", "s3kr1t-in-user-data", "mode 644", "mode 755"} {
			if strings.Contains(out, bad) {
				i := strings.Index(out, bad)
				t.Errorf("%q is told: …%s…", bad, out[max(0, i-200):min(len(out), i+200)])
			}
		}
	}
	// While it is validated nothing is made, and mistakes are told, without contents.
	status, out := n.run(t, "validate", "t.pkr.hcl", strings.Replace(text, "#cloud-config\\n", "#cloud-confg\\n", 1))
	if status != 1 || !strings.Contains(out, "did you mean #cloud-config?") || strings.Contains(out, "s3kr1t") {
		t.Errorf("status %d:\n%s", status, out)
	}
}

var (
	foreignSource = regexp.MustCompile(`(?ms)^source "([a-z-]+)" "[a-z]+" \{\n(.*?)^\}\n`)
	nestedBlock   = regexp.MustCompile(`(?m)^  (\w+) \{$`)
)

// evaluated has packer evaluate what a template gives to builders that are not
// here, whose own checks it does not see.
func evaluated(text string) string {
	body := ""
	for _, match := range foreignSource.FindAllStringSubmatch(text, -1) {
		body += say("{\n" + nestedBlock.ReplaceAllString(match[2], "  $1 = {") + "}")
	}
	return foreignSource.ReplaceAllString(text, "") + nullBuild + body + "}\n"
}

// documentedDataSource are the templates on the data source's page; before those
// without a data source of their own stands the first one's.
func documentedDataSource(t *testing.T) (templates []string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/datasources/nocloud.mdx")
	if err != nil {
		t.Fatal(err)
	}
	data := ""
	for _, part := range snippetPattern.FindAllStringSubmatch(string(page), -1) {
		text := part[1]
		if data == "" {
			data = text[:strings.Index(text, "source ")] + "variable \"password\" {\n  default = \"x\"\n}\n"
		}
		if !strings.Contains(text, "data \"diskimage-nocloud\"") {
			text = data + text
		}
		templates = append(templates, text)
	}
	if len(templates) < 5 {
		t.Fatalf("the page shows %d templates", len(templates))
	}
	return templates
}

// The real builder for vSphere is content with what the documentation shows.
func TestAccVSphereTakesTheSeed(t *testing.T) {
	others := needImporters(t)
	w := newWorkspace(t)
	for _, text := range documentedDataSource(t) {
		if !strings.Contains(text, `source "vsphere-iso"`) {
			continue
		}
		name := w.file("t.pkr.hcl", text+"build {\n  sources = [\"source.vsphere-iso.ubuntu\"]\n}\n")
		for _, arguments := range [][]string{{"validate", name}, {"validate", "-evaluate-datasources", name}} {
			if status, out := runPacker(t, w.dir, append(w.plugins(others), "PACKER_CACHE_DIR="+w.dir+"/cache"), arguments...); status != 0 {
				t.Errorf("%v: status %d:\n%s", arguments, status, out)
			}
		}
		return
	}
	t.Error("the page shows no template for vSphere")
}

// What the documentation shows of the data source can be evaluated, and gives
// other builders what it says.
func TestAccDocumentedNoCloudDataSource(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	want := []string{`"cd_label":"cidata"`, `["-cdrom","/`, `["-smbios","type=1,serial=ds=nocloud;dsmode=net;s=http://<no value>:<no value>/`,
		`"linux /casper/vmlinuz autoinstall 'ds=nocloud;h=web-1;i=iid-`, `"unmount":true`}
	all := ""
	for i, text := range documentedDataSource(t) {
		name := filepath.Join(w.dir, strings.Repeat("x", i+1)+".pkr.hcl")
		if err := os.WriteFile(name, []byte(evaluated(text)), 0o644); err != nil {
			t.Fatal(err)
		}
		status, out := runPacker(t, w.dir, w.env("PACKER_CACHE_DIR="+w.dir+"/cache"), "build", name)
		if status != 0 || !strings.Contains(out, "said {") {
			t.Errorf("status %d:\n%s\n%s", status, out, evaluated(text))
		}
		all += out
	}
	for _, text := range want {
		if !strings.Contains(all, text) {
			t.Errorf("no %s in\n%s", text, all)
		}
	}
}

// What the page on carriers shows is valid, each part with what stands before or
// after it in a template.
func TestAccDocumentedCarriers(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	page, err := os.ReadFile("../../docs/carriers.md")
	if err != nil {
		t.Fatal(err)
	}
	w.file("user-data.yaml", "#cloud-config\n{}\n")
	w.file("network.yaml", "version: 2\nethernets: {all: {match: {name: \"e*\"}, dhcp4: true}}\n")
	parts := snippetPattern.FindAllStringSubmatch(string(page), -1)
	if len(parts) < 5 {
		t.Fatalf("the page shows %d templates", len(parts))
	}
	for i, part := range parts {
		text := part[1]
		if !strings.Contains(text, "source \"") && !strings.HasPrefix(text, "data ") {
			text = "source \"diskimage\" \"debian\" {\n  elements = [\"debian-minimal\"]\n}\n" + text
		}
		if name := sourcePattern.FindStringSubmatch(text); name != nil && !strings.Contains(text, "build {") {
			text += "build {\n  sources = [\"source.diskimage." + name[1] + "\"]\n}\n"
		} else if name == nil && !strings.Contains(text, "build {") {
			text += nullBuild + "}\n"
		}
		dir := filepath.Join(w.dir, strings.Repeat("x", i+1))
		judge(t, "mkdir", "-p", dir)
		judge(t, "cp", w.dir+"/user-data.yaml", w.dir+"/network.yaml", dir)
		if err := os.WriteFile(dir+"/t.pkr.hcl", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if status, out := runPacker(t, dir, w.env(), "validate", "t.pkr.hcl"); status != 0 {
			t.Errorf("status %d:\n%s\n%s", status, out, text)
		}
	}
}
