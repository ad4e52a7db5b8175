// SPDX-License-Identifier: MPL-2.0

package plan

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/elements"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/hook"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/image"
)

// upstreamElements are those of Debian's package python3-diskimage-builder.
const upstreamElements = "/usr/lib/python3/dist-packages/diskimage_builder/elements"

// Every element of diskimage-builder, also those whose systems cannot be built
// where the tests run, is resolved, planned and its hooks are listed: by itself
// if it is an operating system, else with the first company that it goes with.
func TestEachElementOfDiskimageBuilderIsPlanned(t *testing.T) {
	if _, err := os.Stat(upstreamElements); err != nil {
		t.Skipf("python3-diskimage-builder is not installed: %v", err)
	}
	upstream, _, err := element.Load(nil, []string{upstreamElements})
	if err != nil {
		t.Fatal(err)
	}
	catalogue, _, err := element.Load(elements.FS(), []string{upstreamElements})
	if err != nil {
		t.Fatal(err)
	}
	names := slices.DeleteFunc(upstream.Names(), func(name string) bool { return name == "__pycache__" })
	refused := map[string]string{}
	for _, name := range names {
		p, err := planUpstream(catalogue, name)
		if err != nil {
			refused[name] = err.Error()
			continue
		}
		checkListing(t, name, p)
	}
	for name, reason := range map[string]string{
		"deploy-kexec":         `element "deploy" not found`,
		"block-device-efi-lvm": "logical volumes are not supported yet",
	} {
		if !strings.Contains(refused[name], reason) {
			t.Errorf("%s: %q does not speak of %q", name, refused[name], reason)
		}
		delete(refused, name)
	}
	for name, err := range refused {
		t.Errorf("%s: %s", name, err)
	}
	checkDocumentedCount(t, len(names))
}

// planUpstream plans an element with the first company that it goes with; the
// error is that of the last try.
func planUpstream(catalogue *element.Catalog, name string) (p *Plan, err error) {
	// fedora-container depends on vm, and so wants a disk.
	for _, company := range []string{"", "block-device-gpt", "debian-minimal", "ubuntu", "centos-minimal", "fedora-minimal", "opensuse-minimal", "gentoo"} {
		wanted := []string{name}
		if company != "" {
			wanted = []string{company, name}
		}
		p, err = New(Request{
			Elements: wanted, ElementPaths: []string{upstreamElements}, Architecture: "amd64",
			OutputDirectory: "out", ImageName: "image", Formats: []image.Format{image.QCOW2}, Compression: image.Zlib,
			RootFS: "ext4", Memory: MemoryAuto, ImageCache: "/cache",
		}, catalogue, ableHost())
		if err == nil {
			return p, nil
		}
	}
	return nil, err
}

// checkListing wants the element in what is printed of the plan, and hooks of it,
// if it has any, in their phases.
func checkListing(t *testing.T, name string, p *Plan) {
	t.Helper()
	if len(p.Problems) > 0 {
		t.Errorf("%s: problems on a host that has everything: %q", name, p.Problems)
	}
	if !strings.Contains(p.Text(), name) {
		t.Errorf("%s is not in the plan:\n%s", name, p.Text())
	}
	listed := map[string]bool{}
	for _, phase := range p.Phases {
		for _, hook := range phase.Hooks {
			listed[phase.Name+"/"+hook] = true
		}
	}
	for _, phase := range hook.Phases() {
		files, err := filepath.Glob(filepath.Join(upstreamElements, name, phase.Name, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			runs := info.Mode().IsRegular() && info.Mode()&0o111 != 0 && !strings.Contains(info.Name(), ".")
			entry := fmt.Sprintf("%s/%s[%s]", phase.Name, info.Name(), name)
			if listed[entry] != runs && !element.IsInfrastructure(name) {
				t.Errorf("%s is listed: %t, want %t", entry, listed[entry], runs)
			}
		}
	}
}

// checkDocumentedCount keeps docs/compatibility.md true.
func checkDocumentedCount(t *testing.T, count int) {
	t.Helper()
	text, err := os.ReadFile("../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("each of the %d elements", count); !strings.Contains(string(text), want) {
		t.Errorf("docs/compatibility.md does not speak of %q", want)
	}
}
