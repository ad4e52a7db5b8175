// SPDX-License-Identifier: MPL-2.0

package element

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// class is the kind of an error in diskimage-builder's words.
func class(err error) string {
	switch err.(type) {
	case nil:
		return ""
	case *MissingElementError:
		return "MissingElement"
	case *AlreadyProvidedError:
		return "AlreadyProvided"
	case *MissingOSError:
		return "MissingOS"
	}
	return fmt.Sprintf("%T", err)
}

func classes(err error) string {
	var all []string
	for _, err := range flatten(err) {
		all = append(all, class(err))
	}
	return strings.Join(all, " ")
}

func TestResolve(t *testing.T) {
	world := load(t, tree(
		"base <dib-init", "dib-init",
		"os >operating-system", "os2 >operating-system",
		"vm <block-device <bootloader", "bootloader <grub", "grub",
		"block-device-mbr >block-device", "block-device-efi >block-device", "block-device-own >block-device",
		"zipl >bootloader", "aa-zipl >bootloader",
		"late <bootloader <zipl", "early <bootloader <aa-zipl",
		"loop-a <loop-b", "loop-b <loop-a", "self <self",
		"wants-none <none", "wants-virtual <block-device",
		"selfish >selfish", "commented <#x",
	))
	tests := map[string]struct {
		elements string
		arch     string
		want     string // names, or ! and classes of errors
	}{
		"closure":                       {"os base", "", "dib-init base os"},
		"order of the list is no order": {"base os", "", "dib-init base os"},
		"nothing":                       {"", "", "!MissingOS"},
		"no operating system":           {"base", "", "!MissingOS"},
		"two operating systems":         {"os os2", "", "!AlreadyProvided"},
		"one operating system twice":    {"os os", "", "!AlreadyProvided"},
		"twice without harm":            {"os base base", "", "dib-init base os"},
		"missing":                       {"os none", "", "!MissingElement"},
		"missing dependency":            {"os wants-none", "", "!MissingElement"},
		"missing may have been the os":  {"none", "", "!MissingElement"},
		"all errors at once":            {"none os os2", "", "!MissingElement AlreadyProvided"},
		"virtual name needs no dir":     {"os wants-virtual block-device-own", "", "block-device-own os wants-virtual"},
		"virtual name not provided":     {"os wants-virtual", "", "!MissingElement"},
		"virtual name requested":        {"os operating-system", "", "!AlreadyProvided"},
		"virtual name requested early":  {"operating-system os", "", "!MissingElement AlreadyProvided"},
		"provided and requested":        {"os zipl bootloader", "", "!AlreadyProvided"},
		"provides itself":               {"os selfish", "", "!AlreadyProvided"},
		// bootloader comes first in the queue: it goes, its dependency stays.
		"dropped after the visit":  {"os late", "", "grub os zipl late"},
		"dropped before the visit": {"os early", "", "aa-zipl early os"},
		"cycle":                    {"os loop-a", "", "loop-a loop-b os"},
		"self":                     {"self os", "", "os self"},
		"vm":                       {"vm os", "amd64", "block-device-mbr grub bootloader os vm"},
		"vm on no architecture":    {"vm os", "", "block-device-mbr grub bootloader os vm"},
		"vm on arm64":              {"vm os", "arm64", "block-device-efi grub bootloader os vm"},
		"vm on aarch64":            {"vm os", "aarch64", "block-device-efi grub bootloader os vm"},
		"vm on armhf":              {"vm os", "armhf", "block-device-mbr grub bootloader os vm"},
		"vm with a layout":         {"vm os block-device-own", "arm64", "block-device-own grub bootloader os vm"},
		"vm with a missing layout": {"vm os block-device-x", "", "!MissingElement MissingElement"},
		"comment":                  {"os commented", "", "!MissingElement"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			set, err := world.Resolve(Request{Elements: strings.Fields(test.elements), Arch: test.arch, SkipBase: true})
			got := "!" + classes(err)
			if err == nil {
				got = set.EnvironmentList()
			}
			if got != test.want {
				t.Errorf("got %s, want %s (%v)", got, test.want, err)
			}
		})
	}
}

func TestBaseIsAdded(t *testing.T) {
	world := load(t, tree("base", "os >operating-system", "os-with-base >operating-system >base"))
	for _, test := range []struct {
		elements []string
		skip     bool
		want     string
	}{
		{[]string{"os"}, false, "base os"},
		{[]string{"os", "base"}, false, "base os"},
		{[]string{"os"}, true, "os"},
		{[]string{"os", "base"}, true, "base os"},
		{[]string{"os-with-base"}, true, "os-with-base"},
	} {
		set, err := world.Resolve(Request{Elements: test.elements, SkipBase: test.skip})
		if err != nil {
			t.Errorf("%v: %v", test, err)
		} else if got := set.EnvironmentList(); got != test.want {
			t.Errorf("%v: got %s", test, got)
		}
	}
	_, err := world.Resolve(Request{Elements: []string{"os-with-base"}})
	if got := classes(err); got != "AlreadyProvided" {
		t.Errorf("base is added and provided: got %v", err)
	}
}

func TestExpand(t *testing.T) {
	asked := []string{"vm", "os"}
	names, rules := Request{Elements: asked, Arch: "amd64"}.Expand()
	if diff := cmp.Diff([]string{"base", "vm", "os", "block-device-mbr"}, names); diff != "" {
		t.Error(diff)
	}
	want := map[string]string{"base": "part of every image", "block-device-mbr": "vm without a block-device-* element"}
	if diff := cmp.Diff(want, rules); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"vm", "os"}, asked); diff != "" {
		t.Errorf("the request was changed: %s", diff)
	}
}

func TestReasons(t *testing.T) {
	world := load(t, tree("base <x", "vm <block-device", "block-device-mbr >block-device", "os <x >operating-system", "x"))
	set, err := world.Resolve(Request{Elements: []string{"vm", "os", "x"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"os":               "requested",
		"x":                "requested; needed by base, os",
		"base":             "added by default: part of every image",
		"block-device-mbr": "added by default: vm without a block-device-* element",
		"other":            "",
	} {
		if got := set.Why(name).String(); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestTopologicalOrder(t *testing.T) {
	tests := map[string]struct{ elements, want string }{
		"chain":                   {"a<b b<c c", "c b a"},
		"ties by name":            {"c b a", "a b c"},
		"smallest that may come":  {"a<z b z", "b z a"},
		"cycle after its needs":   {"b<c c<b,d d", "d b c"},
		"user of a cycle":         {"a<b b<c c<b", "b c a"},
		"two cycles":              {"a<b b<a,c c<d d<c", "c d a b"},
		"through a provided name": {"a<virtual p>virtual", "p a"},
		"bytes, not locale":       {"b B a1 a-", "B a- a1 b"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			members := map[string]Element{}
			provided := map[string][]string{}
			for word := range strings.FieldsSeq(test.elements) {
				word, virtual, _ := strings.Cut(word, ">")
				name, deps, _ := strings.Cut(word, "<")
				members[name] = Element{Name: name, Deps: strings.Split(deps, ",")}
				if virtual != "" {
					provided[virtual] = []string{name}
				}
			}
			got := (&Set{Elements: topological(members, provided)}).EnvironmentList()
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestMissingElementSaysWhatToDo(t *testing.T) {
	dir := onDisk(t, "mine <nowhere", "commented <#why", "two-words", "os >operating-system", ".hidden")
	world := load(t, tree("debian-minimal", "cloud-init", "cloud-init-nocloud", "block-device-efi >block-device"), dir)
	tests := map[string][]string{
		"mine": {`"nowhere"`, "needed by mine", filepath.Join(dir, "mine", DepsFile),
			dir, "built-in elements", "check the name"},
		"debian-minmal":   {`"debian-minmal"`, "requested", "did you mean debian-minimal?"},
		"nocloud":         {"did you mean cloud-init-nocloud?"},
		"clod-init":       {"did you mean cloud-init?"},
		"block-device":    {"virtual element", "add one that provides it: block-device-efi"},
		"rocky-container": {"rocky-container is an element of diskimage-builder (RPM family) that is not built in yet; to use diskimage-builder's own, put", "on element_paths"},
		"opensuse":        {"(SUSE family) that is not built in yet;"},
		"ramdisk":         {"Ironic", "that is not built in yet;"},
		"rax-nova-agent":  {"obsolete element of diskimage-builder and will not be built in;"},
		"centos7":         {"centos7 was an element of diskimage-builder, which has it no more", "element centos builds later"},
		"ironic-agent":    {"ironic-python-agent-ramdisk"},
		"nova":            {"was an element"},
		"commented":       {`"#why"`, "no comments"},
		"two words":       {"each name by itself"},
		"hidden":          {"check the name"},
		"":                {`element "" not found`},
	}
	for name, wants := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := world.Resolve(Request{Elements: []string{"os", name}, SkipBase: true})
			if got := classes(err); got != "MissingElement" {
				t.Fatalf("got %v", err)
			}
			for _, want := range wants {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not mention %q", err, want)
				}
			}
		})
	}
}

func TestConflictsNameBothSides(t *testing.T) {
	dir := onDisk(t, "os >operating-system", "os2 >operating-system", "grub >bootloader", "bootloader")
	world := load(t, nil, dir)
	for elements, wants := range map[string][]string{
		"os os2":             {`"os2"`, `"operating-system"`, "already provided by os", filepath.Join(dir, "os", ProvidesFile), "only one"},
		"os os":              {`"os" is listed twice`, "list it once"},
		"os grub bootloader": {`"bootloader" is already provided by grub`, filepath.Join(dir, "grub", ProvidesFile)},
		"bootloader":         {`["bootloader"]`, "add one of: os, os2"},
	} {
		_, err := world.Resolve(Request{Elements: strings.Fields(elements), SkipBase: true})
		if err == nil {
			t.Errorf("%s: no error", elements)
			continue
		}
		for _, want := range wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not mention %q", elements, err, want)
			}
		}
	}
	_, err := load(t, tree("x"), dir+"/os").Resolve(Request{Elements: []string{"x"}, SkipBase: true})
	var missing *MissingOSError
	if !errors.As(err, &missing) || !strings.Contains(err.Error(), dir+"/os") {
		t.Errorf("no operating system anywhere: got %v", err)
	}
}

func TestInfrastructureServesFromBuiltin(t *testing.T) {
	dir := onDisk(t, "pkg-map <python", "python", "svc-map", "os <pkg-map <svc-map >operating-system")
	c, warnings, err := Load(tree("pkg-map", "os"), []string{dir})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"element os in " + dir + "/os overrides builtin:os"}; !slices.Equal(messages(warnings), want) {
		t.Errorf("got %v", warnings)
	}
	if e, _ := c.Lookup("pkg-map"); !e.Builtin {
		t.Errorf("pkg-map is from %s", e.Dir)
	}
	request := Request{Elements: []string{"os"}, SkipBase: true}
	set, err := c.Resolve(request)
	if err != nil {
		t.Fatal(err)
	}
	if got := set.EnvironmentList(); got != "pkg-map svc-map os" {
		t.Errorf("got %s", got)
	}
	want := []string{"the built-in element pkg-map serves in place of " + dir +
		"/pkg-map, as it is part of the engine; name it in path_infrastructure to have the latter"}
	if diff := cmp.Diff(want, set.Warnings); diff != "" {
		t.Error(diff)
	}

	request.PathInfrastructure = []string{"pkg-map"}
	set, err = c.Resolve(request)
	if err != nil {
		t.Fatal(err)
	}
	if got := set.EnvironmentList(); got != "python pkg-map svc-map os" {
		t.Errorf("got %s", got)
	}
	want = []string{"element pkg-map in " + dir + "/pkg-map overrides builtin:pkg-map"}
	if diff := cmp.Diff(want, set.Warnings); diff != "" {
		t.Error(diff)
	}

	request.PathInfrastructure = []string{"os"}
	if _, err = c.Resolve(request); err == nil || !strings.Contains(err.Error(), `"os" is not an infrastructure element`) {
		t.Errorf("got %v", err)
	}
}

func TestUpstreamNames(t *testing.T) {
	seen := map[string]bool{}
	for _, family := range upstreamElements() {
		for name := range strings.FieldsSeq(family.names) {
			if seen[name] {
				t.Errorf("%s is there twice", name)
			}
			seen[name] = true
		}
	}
	if len(seen) != 128 {
		t.Errorf("%d elements, diskimage-builder 3.42 has 128", len(seen))
	}
	for _, name := range Infrastructure() {
		if !seen[name] {
			t.Errorf("infrastructure element %s is not diskimage-builder's", name)
		}
	}
	for name := range formerElements() {
		if seen[name] {
			t.Errorf("%s is no former element", name)
		}
	}
	if got := describeUpstream("nobodys"); got != "" {
		t.Errorf("got %q", got)
	}
}
