// SPDX-License-Identifier: MPL-2.0

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"gopkg.in/yaml.v3"
)

// files are the files of this repository with one of the endings.
func files(t *testing.T, endings ...string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (path == ".bin" || path == ".git" || path == ".docs" || path == "dist") {
			return filepath.SkipDir
		}
		for _, ending := range endings {
			if !d.IsDir() && strings.HasSuffix(path, ending) {
				text, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				texts[path] = string(text)
				break
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(texts) == 0 {
		t.Fatalf("no files %v", endings)
	}
	return texts
}

var (
	linkPattern    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headingPattern = regexp.MustCompile(`(?m)^#+ (.+)$`)
	codePattern    = regexp.MustCompile("(?s)```.*?```")
	oursPattern    = regexp.MustCompile(`^https://github\.com/seed-736dd801/packer-plugin-diskimage/blob/main/(.*)$`)
)

// anchors are the names by which the headings of a page are linked to.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, heading := range headingPattern.FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		found[strings.ReplaceAll(name, " ", "-")] = true
	}
	return found
}

// Links to files of this repository lead to one, relative or by its address.
func TestLinksLeadSomewhere(t *testing.T) {
	pages := files(t, ".md", ".mdx")
	checked := 0
	for page, text := range pages {
		for _, match := range linkPattern.FindAllStringSubmatch(codePattern.ReplaceAllString(text, ""), -1) {
			target := match[1]
			path := filepath.Join(filepath.Dir(page), strings.Split(target, "#")[0])
			if ours := oursPattern.FindStringSubmatch(target); ours != nil {
				path = strings.Split(ours[1], "#")[0]
			} else if strings.Contains(target, "://") || strings.HasPrefix(target, "/packer/") {
				continue // elsewhere, or a page of HashiCorp's portal
			} else if strings.HasPrefix(target, "#") {
				path = page
			}
			checked++
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: link to %s: %v", page, target, err)
			}
			_, anchor, found := strings.Cut(target, "#")
			if text, isPage := pages[path]; found && isPage && !anchors(text)[anchor] {
				t.Errorf("%s: %s has no heading %q", page, path, anchor)
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d links were found", checked)
	}
}

// A table that names tests as proofs names ones that there are.
func TestProofsExist(t *testing.T) {
	var tests, makefile strings.Builder
	for path, text := range files(t, "_test.go", "GNUmakefile") {
		if strings.HasSuffix(path, ".go") {
			tests.WriteString(text)
		} else {
			makefile.WriteString("\n" + text)
		}
	}
	var named [][]string
	for _, page := range []string{"docs/lessons.md", "docs/contract.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile("`(Test\\w+|make [\\w-]+)`").FindAllStringSubmatch(string(text), -1)
		if len(found) < 40 {
			t.Errorf("%s: only %d proofs were found", page, len(found))
		}
		named = append(named, found...)
	}
	for _, match := range named {
		target, isTarget := strings.CutPrefix(match[1], "make ")
		if isTarget && !strings.Contains(makefile.String(), "\n"+target+":") {
			t.Errorf("there is no target %s", target)
		}
		if !isTarget && !strings.Contains(tests.String(), "\nfunc "+match[1]+"(") {
			t.Errorf("there is no %s", match[1])
		}
	}
}

var blockPattern = regexp.MustCompile("(?s)```hcl\n(.*?)```")

// What pages show in HCL is HCL; whether packer takes it is asked in
// builder/diskimage.
func TestDocumentedHCLParses(t *testing.T) {
	parsed := 0
	for page, text := range files(t, ".md", ".mdx") {
		for _, match := range blockPattern.FindAllStringSubmatch(text, -1) {
			parsed++
			if _, diags := hclsyntax.ParseConfig([]byte(match[1]), page, hcl.InitialPos); diags.HasErrors() {
				t.Errorf("%s: %v\n%s", page, diags, match[1])
			}
		}
	}
	if parsed < 10 {
		t.Errorf("only %d blocks were found", parsed)
	}
}

// Workflows, the release and others: a tab or a bad indent is found here, not
// after a tag was pushed.
func TestConfigurationsAreYAML(t *testing.T) {
	found := files(t, ".yml")
	for path, text := range found {
		var document any
		if err := yaml.Unmarshal([]byte(text), &document); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if strings.HasPrefix(path, ".github/workflows/") {
			workflow, _ := document.(map[string]any)
			for _, key := range []string{"name", "on", "permissions", "jobs"} {
				if workflow[key] == nil {
					t.Errorf("%s has no %s", path, key)
				}
			}
		}
	}
	for _, name := range []string{"test", "lint", "compat", "release", "test-plugin-example"} {
		if found[".github/workflows/"+name+".yml"] == "" {
			t.Errorf("there is no workflow %s", name)
		}
	}
}
