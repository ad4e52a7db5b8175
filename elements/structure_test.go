// SPDX-License-Identifier: MPL-2.0

package elements

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
)

// dataDirs are the first-level directories of elements that hold no hooks of a phase.
var dataDirs = []string{
	"environment.d", "bin", "static", "init-scripts",
	"bootstrap-packages.d", // package lists for the bootstrap, see README.md
	"apt",                  // what hooks of several elements call
}

var phases = []string{
	"root.d", "extra-data.d", "pre-install.d", "install.d", "post-install.d", "post-root.d",
	"block-device.d", "pre-finalise.d", "finalise.d", "cleanup.d",
}

// hookName is RUN_PARTS_REGEX, element contract §2.5.
var hookName = regexp.MustCompile(`^[0-9A-Za-z_-]+$`)

// installTypeDirectory is where an install type's hooks lie, element contract §3.5.
var installTypeDirectory = regexp.MustCompile(`^install\.d/[a-z-]+-(source|repo|package)-install$`)

// dataName is of a file beside hooks that they install: with a dot in it, it never runs.
var dataName = regexp.MustCompile(`^[A-Za-z][^/]*\.`)

// environmentName is the rule for environment.d, element contract §2.5.
var environmentName = regexp.MustCompile(`^[0-9A-Za-z_.-]+$`)

func files(t *testing.T) map[string]string {
	t.Helper()
	content := make(map[string]string)
	err := fs.WalkDir(FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		b, err := fs.ReadFile(FS(), name)
		content[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func names(t *testing.T) []string {
	t.Helper()
	entries, err := fs.ReadDir(FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}

func TestEveryElementHasAReadme(t *testing.T) {
	all := files(t)
	for _, name := range names(t) {
		if !strings.HasPrefix(all[name+"/README.md"], "# "+name+"\n") {
			t.Errorf("%s/README.md is missing or not titled %q", name, name)
		}
	}
}

func TestDependenciesExist(t *testing.T) {
	all := files(t)
	known := names(t)
	for _, name := range known {
		known = append(known, element.ParseList([]byte(all[name+"/element-provides"]))...)
	}
	for _, name := range names(t) {
		for _, dependency := range element.ParseList([]byte(all[name+"/element-deps"])) {
			if !slices.Contains(known, dependency) {
				t.Errorf("%s depends on %s, which does not exist", name, dependency)
			}
		}
	}
}

func TestFilesLieWhereTheyHaveAMeaning(t *testing.T) {
	set := runnable()
	for name := range files(t) {
		parts := strings.Split(name, "/")
		if len(parts) == 2 {
			continue
		}
		directory, file := parts[1], parts[2]
		switch {
		case installTypeDirectory.MatchString(strings.Join(parts[1:len(parts)-1], "/")):
			// install-types links what is in there into install.d.
			if hook := hookName.MatchString(parts[3]) && !strings.HasPrefix(parts[3], "package-installs-"); hook != set[name] {
				t.Errorf("%s: hooks have run bits, lists of packages have none", name)
			}
		case slices.Contains(phases, directory) && len(parts) == 3 && dataName.MatchString(file):
			// What hooks install lies beside them: a name with a dot never runs.
		case slices.Contains(phases, directory):
			if len(parts) != 3 || !hookName.MatchString(file) || !set[name] {
				t.Errorf("%s would not run: hooks have run bits and names like %v", name, hookName)
			}
		case directory == "environment.d":
			if len(parts) != 3 || !environmentName.MatchString(file) || set[name] {
				t.Errorf("%s: environment files are sourced, have no run bits and names like %v", name, environmentName)
			}
		case !slices.Contains(dataDirs, directory):
			t.Errorf("%s is in a directory that is neither a phase nor known data", name)
		}
	}
}

func TestScriptsBeginAlike(t *testing.T) {
	all := files(t)
	for name := range runnable() {
		content, ok := all[name]
		if !ok {
			t.Errorf("executables.txt lists %s, which does not exist", name)
			continue
		}
		lines := strings.SplitN(content, "\n", 3)
		if len(lines) < 3 || lines[1] != "# SPDX-License-Identifier: MPL-2.0" {
			t.Errorf("%s: the second line is not the licence", name)
		}
		if strings.Contains(name, "/init-scripts/") || strings.HasSuffix(name, ".init") {
			continue
		}
		if lines[0] != "#!/bin/bash" || !strings.Contains(content, "\nset -eu -o pipefail\n") {
			t.Errorf("%s: must start bash and set -eu -o pipefail", name)
		}
		// What runs in the image has nothing to do with the build's tracing.
		inImage := strings.Contains(name, "/static/") || strings.HasSuffix(name, ".sh")
		if !inImage && !strings.Contains(content, "DIB_DEBUG_TRACE") {
			t.Errorf("%s: must trace when DIB_DEBUG_TRACE says so", name)
		}
	}
}

func TestEnvironmentFilesBeginAlike(t *testing.T) {
	for name, content := range files(t) {
		if !strings.Contains(name, "/environment.d/") {
			continue
		}
		if !strings.HasPrefix(content, "# SPDX-License-Identifier: MPL-2.0\n# shellcheck shell=bash\n") {
			t.Errorf("%s: must begin with the licence and the shell that reads it", name)
		}
	}
}

// Environment files are sourced one after the other with unset variables forbidden: whatever
// operating system is taken, that ends without an error, on the host and in the chroot.
func TestEnvironmentFilesCanBeSourced(t *testing.T) {
	for _, system := range []string{"debian-minimal", "debian", "ubuntu-minimal", "ubuntu"} {
		_, tree := resolve(t, system, "vm", "block-device-efi", "cloud-init-nocloud", "devuser")
		script := "set -eu -o pipefail\n"
		for _, file := range tree.EnvironmentFiles() {
			if file.Name != "11-dib-install-type.bash" {
				script += ". ./" + file.Element + "/environment.d/" + file.Name + "\n"
			}
		}
		script += `echo "$DISTRO_NAME $DIB_RELEASE $DIB_INIT_SYSTEM"`
		out, err := bash(t, []string{"HOME=/nonexistent", "ARCH=amd64", "IMAGE_NAME=image"}, script)
		want := map[bool]string{true: "ubuntu noble systemd\n", false: "debian bookworm systemd\n"}[strings.HasPrefix(system, "ubuntu")]
		if err != nil || out != want {
			t.Errorf("%s: %q, want %q (%v)", system, out, want, err)
		}
	}
}

func TestDataFilesParse(t *testing.T) {
	for name, content := range files(t) {
		var value any
		var err error
		switch {
		case path.Ext(name) == ".yaml":
			err = yaml.Unmarshal([]byte(content), &value)
		case path.Base(name) == "pkg-map":
			err = json.Unmarshal([]byte(content), &value)
		default:
			continue
		}
		if err != nil || value == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// host finds what looks like a host's name in a URL or source line.
var host = regexp.MustCompile(`(?i)[a-z]+://[^\s/"'$]*\.[a-z]|\b(deb|security|archive|ftp|cdn)[a-z0-9-]*\.[a-z0-9-]+\.(org|com|net|io)\b`)

func TestNoMirrorIsNamed(t *testing.T) {
	all := files(t)
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	all["README.md"] = string(readme)
	for name, content := range all {
		if found := host.FindString(content); found != "" {
			t.Errorf("%s names a host: %s", name, found)
		}
	}
}

// pythonCall finds a script or a line of Python that a shell script runs.
var pythonCall = regexp.MustCompile(`(?m)^[^#]*\bpython[0-9.]*\s+(-[cmIsE]|["$./])`)

func TestNoPython(t *testing.T) {
	for name, content := range files(t) {
		if strings.HasPrefix(name, "simple-init/") || strings.HasPrefix(name, "ensure-venv/") {
			// glean is a program in Python, and an environment for such is what the other makes.
			content = strings.ReplaceAll(content, "python3 -m venv", "")
		}
		if found := pythonCall.FindString(content); found != "" {
			t.Errorf("%s runs Python: %s", name, found)
		}
		if first, _, _ := strings.Cut(content, "\n"); strings.HasPrefix(first, "#!") && strings.Contains(first, "python") {
			t.Errorf("%s is a Python script", name)
		}
	}
}

func TestShellcheck(t *testing.T) {
	shellcheck, err := exec.LookPath("shellcheck")
	if err != nil {
		t.Skip("shellcheck is not installed")
	}
	arguments := []string{"-s", "bash"}
	for name := range files(t) {
		isShell := runnable()[name] && !strings.Contains(name, "/openrc/")
		if isShell || strings.Contains(name, "/environment.d/") {
			arguments = append(arguments, name)
		}
	}
	if output, err := exec.Command(shellcheck, arguments...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

func TestInfrastructureElementsAreAllHere(t *testing.T) {
	all := names(t)
	for _, name := range element.Infrastructure() {
		if !slices.Contains(all, name) {
			t.Errorf("no element %s", name)
		}
	}
}
