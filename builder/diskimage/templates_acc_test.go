// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// filesBelow lists the files below directories of the checkout with one of the endings.
func filesBelow(t *testing.T, dirs []string, endings ...string) []string {
	t.Helper()
	var found []string
	for _, dir := range dirs {
		err := filepath.WalkDir(filepath.Join("../..", dir), func(path string, d fs.DirEntry, err error) error {
			for _, ending := range endings {
				if err == nil && !d.IsDir() && strings.HasSuffix(path, ending) {
					found = append(found, path)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// needed are plugins of others that a template needs: without them packer
// judges its syntax only. TestAccCloudExamples builds those templates without
// the importers, and `make test-importers` runs importers.
var needed = regexp.MustCompile(`source\s*=\s*"(github\.com/[^"]*)"`)

// othersPattern are components that pages show without naming their plugin.
var othersPattern = regexp.MustCompile(`(?m)^ *(?:provisioner|post-processor) "(ansible|ansible-local|puppet-masterless|vagrant)"`)

// syntaxOnly tells why a template cannot be judged whole.
func syntaxOnly(text string) string {
	for _, match := range needed.FindAllStringSubmatch(text, -1) {
		if match[1] != "github.com/seed-736dd801/diskimage" {
			return "it needs " + match[1]
		}
	}
	if match := othersPattern.FindStringSubmatch(text); match != nil {
		return "it needs the plugin of " + match[1]
	}
	if strings.Contains(text, `data "hcp-packer-`) {
		return "it asks HCP Packer"
	}
	return ""
}

// validated runs packer validate on a template.
func validated(t *testing.T, w workspace, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"validate"}
	if why := syntaxOnly(string(text)); why != "" {
		t.Logf("%s: syntax only, %s", path, why)
		args = append(args, "-syntax-only")
	}
	if path, err = filepath.Abs(path); err != nil {
		t.Fatal(err)
	}
	if status, out := runPacker(t, w.dir, w.env(), append(args, path)...); status != 0 {
		t.Errorf("%v: status %d:\n%s", args, status, out)
	}
}

// Every template in example/ is one that packer takes.
func TestAccExampleTemplates(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	judged := 0
	for _, path := range filesBelow(t, []string{"example"}, ".pkr.hcl") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if syntaxOnly(string(text)) == "" {
			judged++
		}
		validated(t, w, path)
	}
	if judged == 0 {
		t.Error("no template was judged whole")
	}
}

var (
	provisionPattern = regexp.MustCompile(`(?m)^(provisioner|post-processors?) `)
	templatePattern  = regexp.MustCompile(`(?m)^(source|build|packer) `)
)

// What README and docs show that has blocks of a template is valid in one.
func TestAccDocumentedTemplates(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	for _, name := range []string{"user-data.yaml", "web.yaml"} {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte("#cloud-config\n{}\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	judged := 0
	for _, page := range append([]string{"../../README.md"}, filesBelow(t, []string{"docs", "example"}, ".md", ".mdx")...) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for i, match := range snippetPattern.FindAllStringSubmatch(string(text), -1) {
			shown := match[1]
			switch {
			case strings.Contains(shown, `"my-`):
				continue // TestAccDocumentedPostProcessors has these elements
			case strings.Contains(shown, "var.password"):
				continue // one attribute, with a variable of the reader's
			case provisionPattern.MatchString(shown) && !strings.Contains(shown, "build {"):
				shown = "build {\n  sources = [\"source.diskimage.debian\"]\n" + shown + "}\n"
			case !templatePattern.MatchString(shown):
				continue
			}
			judged++
			path := filepath.Join(w.dir, fmt.Sprintf("%s-%d.pkr.hcl", filepath.Base(page), i))
			if err := os.WriteFile(path, []byte(whole(shown)), 0o644); err != nil {
				t.Fatal(err)
			}
			validated(t, w, path)
		}
	}
	if judged < 8 {
		t.Errorf("only %d blocks were judged", judged)
	}
}
