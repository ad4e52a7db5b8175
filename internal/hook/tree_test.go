// SPDX-License-Identifier: MPL-2.0

package hook

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
)

func merge(t *testing.T, elements ...element.Element) *Tree {
	t.Helper()
	tree, err := Merge(elements)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestHooks(t *testing.T) {
	tree := merge(t,
		elementOf("a", "install.d/10-a", "install.d/data°", "install.d/5-dir/9-nested"),
		elementOf("b", "install.d/9-b", "install.d/20-b.sh", "post-install.d/1-x"),
	)
	want := []Hook{
		{"9-b", "install.d/9-b", "b", "/e/b/install.d/9-b", true},
		{"10-a", "install.d/10-a", "a", "/e/a/install.d/10-a", true},
	}
	if diff := cmp.Diff(want, tree.Hooks("install.d")); diff != "" {
		t.Error(diff)
	}
	ignored := []Ignored{
		{Hook{"20-b.sh", "install.d/20-b.sh", "b", "/e/b/install.d/20-b.sh", true}, "its name does not match " + NamePattern},
		{Hook{"data", "install.d/data", "a", "/e/a/install.d/data", false}, "it is not executable"},
	}
	if diff := cmp.Diff(ignored, tree.Ignored("install.d")); diff != "" {
		t.Error(diff)
	}
	if got := tree.Hooks("root.d"); got != nil {
		t.Errorf("no root.d, yet %v", got)
	}
}

func TestHooksThatAreLinks(t *testing.T) {
	tree := merge(t, elementOf("a",
		"bin/tool", "bin/data°", "top",
		"install.d/10-tool>../bin/tool", "install.d/11-again>10-tool", "install.d/12-top>../top",
		"install.d/20-data>../bin/data", "install.d/30-nowhere>none", "install.d/31-self>31-self", "install.d/32-dir>../bin",
		"install.d/33-absolute>/10-tool",
	), elementOf("b", "install.d/40-theirs>../bin/tool"))
	names := func(hooks []Hook) (names []string) {
		for _, h := range hooks {
			names = append(names, h.Name)
		}
		return names
	}
	if diff := cmp.Diff([]string{"10-tool", "11-again", "12-top", "40-theirs"}, names(tree.Hooks("install.d"))); diff != "" {
		t.Error(diff)
	}
	var reasons []string
	for _, i := range tree.Ignored("install.d") {
		reasons = append(reasons, i.Name+": "+i.Reason)
	}
	want := []string{
		"20-data: it is not executable",
		"30-nowhere: links to none, which does not exist",
		"31-self: links to 31-self, which does not exist",
		"33-absolute: links to /10-tool, which does not exist",
	}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Error(diff)
	}
}

func TestEnvironmentFiles(t *testing.T) {
	tree := merge(t, elementOf("a", "environment.d/9-a°", "environment.d/10-a.bash°", "environment.d/x~°"),
		elementOf("b", "environment.d/100-b", "environment.d/11-dib-install-type.bash°"))
	origins := func(hooks []Hook) (names []string) {
		for _, h := range hooks {
			names = append(names, h.Path+"["+h.Element+"]")
		}
		return names
	}
	want := []string{"environment.d/10-a.bash[a]", "environment.d/100-b[b]", "environment.d/11-dib-install-type.bash[b]", "environment.d/9-a[a]"}
	if diff := cmp.Diff(want, origins(tree.EnvironmentFiles())); diff != "" {
		t.Error(diff)
	}
	want[2] = "environment.d/11-dib-install-type.bash[core]"
	if diff := cmp.Diff(want, origins(WithInstallType(tree.EnvironmentFiles()))); diff != "" {
		t.Error(diff)
	}
	if ignored := tree.Ignored(EnvironmentDir); len(ignored) != 1 || ignored[0].Name != "x~" {
		t.Errorf("ignored %v", ignored)
	}
}

func TestLookupAndReadFile(t *testing.T) {
	tree := merge(t, elementOf("a", "source-repository-x°", "static/x°"))
	if e, ok := tree.Lookup("static/x"); !ok || e.Mode != 0o644 || e.Source != "/e/a/static/x" {
		t.Errorf("static/x: %v %+v", ok, e)
	}
	if got, err := tree.ReadFile("source-repository-x"); err != nil || string(got) != "a" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := tree.ReadFile("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
