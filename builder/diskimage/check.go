// SPDX-License-Identifier: MPL-2.0

package diskimage

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/plan"
)

// mistakes collects what is wrong with attributes.
type mistakes []error

func (m *mistakes) add(attribute string, err error) {
	if err != nil {
		*m = append(*m, &plan.AttributeError{Attribute: attribute, Err: err})
	}
}

// rootFilesystems are those that a root can have.
var rootFilesystems = []string{"ext4", "ext3", "ext2", "xfs"}

func (r *request) checkWords(c *Config, wrong *mistakes) {
	if c.RootFS != "" {
		if err := oneOf(c.RootFS, rootFilesystems); err != nil {
			wrong.add("root_fs", err)
			r.RootFS = "" // so that the plan does not complain again
		}
	}
	wrong.add("tmpfs", oneOf(c.Tmpfs, []string{"auto", "always", "never"}))
	r.checkInstallType(c.InstallType, wrong)
	wrong.add("architecture", plan.CheckArchitecture(c.Architecture))
	wrong.add("image_name", checkImageName(c.ImageName))
	if strings.TrimSpace(c.Region) == "" {
		wrong.add("region", errors.New("is blank; leave it out for the default"))
	}
	wrong.add("source_image", checkSource(c.SourceImage))
	for _, p := range c.Packages {
		switch {
		case p == "" || strings.ContainsAny(p, " \t\n'\"$`;&|"):
			wrong.add("packages", fmt.Errorf("%q is not the name of a package; write each name by itself, in quotes of its own", p))
		case p[0] == '-':
			wrong.add("packages", fmt.Errorf("%q would be an option of the package manager; write the name of a package", p))
		}
	}
}

// checkInstallType: elements are free in naming their types, so an unknown one
// is only told; hooks of that type are all that would be missed.
func (r *request) checkInstallType(name string, wrong *mistakes) {
	usual := []string{"source", "package", "repo"}
	switch {
	case strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '-' && c != '_' }):
		wrong.add("install_type", fmt.Errorf("%q is not a word; write \"source\" or \"package\"", name))
	case !slices.Contains(usual, name):
		r.notes = append(r.notes, fmt.Sprintf("install_type: %q is not a usual one%s; elements that do not know it install nothing", name, nearest.Hint(name, usual)))
	}
}

// longestName is what file systems take for a file's name, less the longest
// extension.
const longestName = 255 - len(".qcow2")

func checkImageName(name string) error {
	switch {
	case strings.ContainsRune(name, '/') || name == "." || name == "..":
		return fmt.Errorf("%q must be a plain file name; use output_directory for the directory", name)
	case len(name) > longestName:
		return fmt.Errorf("it is too long for a file name: %d bytes, at most %d without the extension", len(name), longestName)
	case strings.ContainsFunc(name, func(r rune) bool { return r != 0 && unicode.IsControl(r) }): // of NUL checkTexts tells
		return fmt.Errorf("%q has a control character, which a file name should not have; remove it", name)
	}
	return nil
}

// checkTexts looks for what no attribute can have. Their values may be secret
// and are not repeated.
func checkTexts(c *Config, wrong *mistakes) {
	block := reflect.ValueOf(*c)
	for i := range block.NumField() {
		attribute := block.Type().Field(i).Tag.Get("mapstructure")
		if attribute == "" || attribute[0] == ',' {
			continue
		}
		switch value := block.Field(i).Interface().(type) {
		case string:
			wrong.add(attribute, checkText("it", value))
		case []string:
			for n, text := range value {
				wrong.add(attribute, checkText(fmt.Sprintf("word %d of the list", n+1), text))
			}
		case map[string]string:
			for _, name := range slices.Sorted(maps.Keys(value)) {
				wrong.add(attribute, checkText("the value of "+name, value[name]))
			}
		}
	}
}

// noValue is what text/template writes for a field that is not there.
const noValue = "<no value>"

func checkText(what, text string) error {
	switch {
	case strings.ContainsRune(text, 0):
		return fmt.Errorf("%s has a NUL byte, which no path and no variable can have; remove it", what)
	case strings.Contains(text, noValue):
		return fmt.Errorf("%s has a {{ }} that stands for nothing (%s); in HCL write var.NAME or local.NAME, in JSON {{ user `NAME` }}", what, noValue)
	}
	return nil
}

func oneOf(value string, allowed []string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("%q is none of %s%s", value, strings.Join(allowed, ", "), nearest.Hint(value, allowed))
}
