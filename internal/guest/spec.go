// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// collector reads the entries of package-installs files (element contract §4.1)
// and keeps those that apply to this build.
type collector struct {
	c *call
	// compat brings back upstream's reading of "uninstall: false" and of blanks
	// in architecture lists (quirk 18). Both are warned of either way.
	compat   bool
	packages packages
	// element and file are where the entry at hand comes from.
	element, file string
}

// collect reads one file: a map of packages to nothing, a spec or a list of specs.
func (k *collector) collect(doc value) error {
	if doc.kind == kindNull {
		return nil
	}
	if doc.kind != kindMap {
		return fmt.Errorf("want a map of packages, found %s", doc.kind)
	}
	for _, p := range doc.pairs {
		if p.key.kind != kindString {
			return fmt.Errorf("the package name %s is %s to YAML 1.1; put it in quotes", p.key.text, p.key.kind)
		}
		specs := []value{p.value}
		switch {
		case p.value.empty():
			specs = []value{{kind: kindMap}}
		case p.value.kind == kindList:
			specs = p.value.items
		}
		for _, spec := range specs {
			if err := k.entry(p.key.text, spec); err != nil {
				return fmt.Errorf("package %s: %w", p.key.text, err)
			}
		}
	}
	return nil
}

// knownKeys are the keys of a spec.
var knownKeys = [...]string{
	"phase", "uninstall", "build-only", "installtype", "arch", "not-arch", "dib_python_version", "when",
}

// entry adds one spec's package unless a filter takes it out.
func (k *collector) entry(name string, spec value) error {
	if spec.kind != kindMap {
		return fmt.Errorf("want a map of settings, found %s", spec.kind)
	}
	for _, p := range spec.pairs {
		if !slices.Contains(knownKeys[:], p.key.text) {
			k.warnf(name, "the key %q means nothing", p.key.text)
		}
	}
	for _, filter := range []func(string, value) (bool, error){k.installType, k.arch, k.pythonVersion, k.when} {
		if pass, err := filter(name, spec); err != nil || !pass {
			return err
		}
	}
	k.packages.add(request{
		wanted: wanted{name, k.element}, phase: k.phase(name, spec),
		uninstall: k.flag(name, spec, "uninstall"), buildOnly: k.flag(name, spec, "build-only"),
	})
	return nil
}

func (k *collector) warnf(name, format string, args ...any) {
	k.c.warnf("%s: package %s: "+format, append([]any{k.file, name}, args...)...)
}

func (k *collector) phase(name string, spec value) string {
	v, ok := spec.get("phase")
	if !ok {
		return "install.d"
	}
	if !slices.Contains(packagePhases[:], v.text) {
		k.warnf(name, "no packages are installed in the phase %q, so nothing comes of this entry; phases are %s",
			v.text, strings.Join(packagePhases[:], ", "))
	}
	return v.text
}

// flag reads a key whose presence counts upstream, whatever its value.
func (k *collector) flag(name string, spec value, key string) bool {
	v, ok := spec.get(key)
	if !ok || v.kind != kindBool || v.text == "True" {
		return ok
	}
	k.warnf(name, "diskimage-builder takes %q for true whatever its value; leave the key out to mean false", key)
	return k.compat
}

func (k *collector) installType(_ string, spec value) (bool, error) {
	v, ok := spec.get("installtype")
	if !ok || v.kind == kindNull {
		return true, nil
	}
	return v.kind == kindString && v.text == k.c.installType(k.element), nil
}

// installType is how an element is to be installed: its own variable or the default.
func (c *call) installType(element string) string {
	preset := c.getenv("DIB_DEFAULT_INSTALLTYPE", "source")
	if own, ok := c.lookupEnv("DIB_INSTALLTYPE_" + strings.ReplaceAll(element, "-", "_")); ok {
		return own
	}
	return preset
}

func (k *collector) arch(name string, spec value) (bool, error) {
	only, hasOnly := spec.get("arch")
	not, hasNot := spec.get("not-arch")
	hasOnly, hasNot = hasOnly && only.kind != kindNull, hasNot && not.kind != kindNull
	switch {
	case hasOnly && hasNot:
		return false, errors.New("arch and not-arch exclude each other; give one of them")
	case hasOnly:
		return k.archListed(name, "arch", only)
	case hasNot:
		listed, err := k.archListed(name, "not-arch", not)
		return !listed, err
	}
	return true, nil
}

func (k *collector) archListed(name, key string, list value) (bool, error) {
	if list.kind != kindString || list.text == "" {
		return false, fmt.Errorf("%s wants a string of architectures with commas between them, found %s %q", key, list.kind, list.text)
	}
	arch, err := k.c.need("ARCH")
	if err != nil {
		return false, err
	}
	for item := range strings.SplitSeq(list.text, ",") {
		bare := strings.TrimSpace(item)
		if bare != item {
			k.warnf(name, "diskimage-builder never matches %q in %s because of the blanks; write the list without", item, key)
		}
		if !k.compat {
			item = bare
		}
		if item == arch {
			return true, nil
		}
	}
	return false, nil
}

func (k *collector) pythonVersion(_ string, spec value) (bool, error) {
	v, ok := spec.get("dib_python_version")
	if !ok || v.kind == kindString && v.text == "" {
		return true, nil
	}
	return v.text == k.c.getenv("DIB_PYTHON_VERSION", ""), nil
}

// whenLine is VAR = value or VAR != value.
var whenLine = regexp.MustCompile(`^(\w+)\s*(!?=)\s*(.*)`)

// when evaluates the statements of that key; all must hold. Each is evaluated,
// so that a mistake in one shows whatever the others say.
func (k *collector) when(_ string, spec value) (bool, error) {
	v, ok := spec.get("when")
	if !ok || v.kind == kindNull {
		return true, nil
	}
	statements := []value{v}
	if v.kind == kindList {
		statements = v.items
	}
	all := true
	for _, s := range statements {
		m := whenLine.FindStringSubmatch(s.text)
		if s.kind != kindString || m == nil {
			return false, fmt.Errorf("when: Malformed when line: <%s>; write VARIABLE = value or VARIABLE != value", s.text)
		}
		actual, set := k.c.lookupEnv(m[1])
		if !set {
			return false, fmt.Errorf("when: The variable <%s> is not set, but the package depends on %s", m[1], s.text)
		}
		all = all && (actual == m[3]) == (m[2] == "=")
	}
	return all, nil
}
