// SPDX-License-Identifier: MPL-2.0

package elements

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
)

// tableFile is the page that tells what there is.
const tableFile = "../docs/elements.md"

// TestTable keeps the page of all elements in step with their files; -update writes it.
func TestTable(t *testing.T) {
	want := table(files(t), names(t))
	if *update {
		if err := os.WriteFile(tableFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(tableFile); err != nil || string(got) != want {
		t.Errorf("%s is not what the elements say (%v): run go generate ./elements", tableFile, err)
	}
}

const tableHead = `# Built-in elements

<!-- Made by "make generate" from elements/*: change those. -->

Elements of the same name on ` + "`element_paths`" + ` or ` + "`ELEMENTS_PATH`" + ` come first, except for
infrastructure elements (*), which the engine itself serves. A name leads to the element's README, which has
the variables' meanings and what the element leaves in an image. How they differ from diskimage-builder's stands in
[elements/README.md](../elements/README.md). All hooks honour ` + "`DIB_DEBUG_TRACE`" + `.

Other elements of diskimage-builder are not built in: RPM families, SUSE, Gentoo, Ironic's and the rarer ones. Their
names fail with a sentence that says so; with its tree on ` + "`element_paths`" + ` they can be used.

| Element | Purpose | Depends on | Provides | Variables | Phases | Proven |
|---|---|---|---|---|---|---|
`

// table is the page, from the elements' files by name.
func table(files map[string]string, names []string) string {
	var page strings.Builder
	page.WriteString(tableHead)
	for _, name := range names {
		readme := files[name+"/README.md"]
		star := ""
		if slices.Contains(element.Infrastructure(), name) {
			star = "\\*"
		}
		fmt.Fprintf(&page, "| [%s](../elements/%s/README.md)%s | %s | %s | %s | %s | %s | %s |\n",
			name, name, star, purpose(readme),
			strings.Join(element.ParseList([]byte(files[name+"/element-deps"])), ", "),
			strings.Join(element.ParseList([]byte(files[name+"/element-provides"])), ", "),
			strings.Join(variables(readme), " "), strings.Join(phasesOf(files, name), " "), provenHow(readme))
	}
	return page.String()
}

var sentenceEnd = regexp.MustCompile(`\.(\s|$)`)

// purpose is the first sentence below the title of a README.
func purpose(readme string) string {
	_, text, _ := strings.Cut(readme, "\n\n")
	text, _, _ = strings.Cut(text, "\n\n")
	text = strings.Join(strings.Fields(text), " ")
	if end := sentenceEnd.FindStringIndex(text); end != nil {
		text = text[:end[0]]
	}
	return strings.ReplaceAll(text, "|", `\|`)
}

var variableName = regexp.MustCompile("`([A-Z][A-Z0-9_]+)`")

// variables are those that have rows in the README's tables.
func variables(readme string) []string {
	var all []string
	for line := range strings.Lines(readme) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			continue
		}
		for _, match := range variableName.FindAllStringSubmatch(cells[1], -1) {
			all = append(all, "`"+match[1]+"`")
		}
	}
	return all
}

// phasesOf are the phases in which an element has hooks, with package-installs' own.
func phasesOf(files map[string]string, name string) []string {
	var found []string
	for _, phase := range append([]string{"environment.d"}, phases...) {
		for file := range files {
			if strings.HasPrefix(file, name+"/"+phase+"/") {
				found = append(found, strings.TrimSuffix(phase, ".d"))
				break
			}
		}
	}
	return found
}

// provenHow is what the README says behind "Proven: ".
func provenHow(readme string) string {
	_, text, _ := strings.Cut(readme, "\nProven: ")
	text, _, _ = strings.Cut(text, "\n\n")
	return strings.TrimSuffix(strings.Join(strings.Fields(text), " "), ".")
}

func TestReadmesSayWhatTheTableNeeds(t *testing.T) {
	all := files(t)
	for _, name := range names(t) {
		readme := all[name+"/README.md"]
		if purpose(readme) == "" {
			t.Errorf("%s/README.md does not begin with what the element is for", name)
		}
		if provenHow(readme) == "" {
			t.Errorf("%s/README.md has no line \"Proven: …\" that says what was built, booted or only run against stubs", name)
		}
	}
}

// engineVariables are set by the engine or mean the same to every element: contract §2.7.
var engineVariables = strings.Fields(`DIB_DEBUG_TRACE DIB_IMAGE_CACHE DIB_LOCKFILES DIB_OFFLINE DIB_INIT_SYSTEM
	DIB_RELEASE DIB_ROOT_LABEL DIB_BOOT_LABEL DIB_ROOT_FSTYPE DIB_BLOCK_DEVICE DIB_MOUNTPOINTS DIB_ARGS DIB_ENV
	DIB_MANIFEST_IMAGE_DIR DIB_IMAGE_SIZE DIB_PYTHON_EXEC DIB_DEFAULT_INSTALLTYPE DIB_COMPAT`)

var dibVariable = regexp.MustCompile(`\bDIB_[A-Z0-9_]*[A-Z0-9]\b`)

// Whoever reads an element's README learns every variable that its files read, there or in that of
// another element.
func TestVariablesAreDocumented(t *testing.T) {
	all := files(t)
	var readmes strings.Builder
	for name, content := range all {
		if strings.HasSuffix(name, "/README.md") {
			readmes.WriteString(content)
		}
	}
	documented := dibVariable.FindAllString(readmes.String(), -1)
	for name, content := range all {
		if strings.HasSuffix(name, "/README.md") {
			continue
		}
		for _, variable := range dibVariable.FindAllString(content, -1) {
			if !slices.Contains(documented, variable) && !slices.Contains(engineVariables, variable) {
				t.Errorf("%s reads %s, which stands in no README", name, variable)
			}
		}
	}
}
