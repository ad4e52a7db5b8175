// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	snippetPattern = regexp.MustCompile("(?s)```hcl\n(.*?)```")
	sourcePattern  = regexp.MustCompile(`source "diskimage" "([^"]*)"`)
)

// snippets are the templates, or parts of one, in a section of a page.
func snippets(t *testing.T, page, section string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(text), "\n## "+section+"\n")
	if !found {
		t.Fatalf("%s has no section %q", page, section)
	}
	after, _, _ = strings.Cut(after, "\n## ")
	var all []string
	for _, match := range snippetPattern.FindAllStringSubmatch(after, -1) {
		all = append(all, match[1])
	}
	return all
}

// whole makes a template of a part of one.
func whole(part string) string {
	if strings.HasPrefix(part, "post-processor") {
		part = "build {\n  sources = [\"source.diskimage.debian\"]\n" + part + "}\n"
	}
	if !sourcePattern.MatchString(part) {
		part = "source \"diskimage\" \"debian\" {\n  elements = [\"debian-minimal\"]\n}\n" + part
	}
	if !strings.Contains(part, "\nbuild {") {
		name := sourcePattern.FindStringSubmatch(part)[1]
		part += fmt.Sprintf("build {\n  sources = [\"source.diskimage.%s\"]\n}\n", name)
	}
	return part
}

// What the documentation shows of post-processors and HCP Packer is valid.
func TestAccDocumentedPostProcessors(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	// The reader's own elements.
	w.element("my-base-image", "root.d/10-base", "")
	env := w.env("ELEMENTS_PATH=" + w.element("my-app", "install.d/10-app", ""))
	if err := os.WriteFile(filepath.Join(w.dir, "elements/my-base-image/element-provides"), []byte("operating-system\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, section := range []string{"Artifact", "Post-processors", "HCP Packer"} {
		found := snippets(t, "../../docs/builders/diskimage.mdx", section)
		if len(found) == 0 {
			t.Errorf("section %q shows nothing", section)
		}
		for i, part := range found {
			if strings.Contains(part, `post-processor "vagrant"`) {
				continue // TestAccVagrantBox runs it, where that plugin is
			}
			name := filepath.Join(w.dir, fmt.Sprintf("%s-%d.pkr.hcl", strings.Fields(section)[0], i))
			if err := os.WriteFile(name, []byte(whole(part)), 0o644); err != nil {
				t.Fatal(err)
			}
			if status, out := runPacker(t, w.dir, env, "validate", name); status != 0 {
				t.Errorf("section %q, status %d:\n%s\n%s", section, status, out, whole(part))
			}
		}
	}
}
