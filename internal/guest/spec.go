// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// collector reads the entries of package-installs files (element contract §4.1)
// and keeps those that apply to this build.
type collector struct {
	c *call
	// compat brings back upstream's reading of "uninstall: false" and of blanks
	// in architecture lists (quirk 18). CheckPackages warns of both either way.
	compat   bool
	packages packages
	requests []request // that passed their filters
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
		for _, spec := range specsOf(p) {
			if err := k.entry(p.key.text, spec); err != nil {
				return fmt.Errorf("package %s: %w", p.key.text, err)
			}
		}
	}
	return nil
}

// specsOf lists the specs of a package; one that is empty to Python is one without keys.
func specsOf(p pair) []value {
	switch {
	case p.value.empty():
		return []value{{kind: kindMap, line: p.key.line}}
	case p.value.kind == kindList:
		return p.value.items
	}
	spec := p.value
	spec.line = p.key.line
	return []value{spec}
}

// entry adds one spec's package unless a filter takes it out.
func (k *collector) entry(name string, spec value) error {
	if spec.kind != kindMap {
		return fmt.Errorf("want a map of settings, found %s", spec.kind)
	}
	if pass, err := k.passes(spec); err != nil || !pass {
		return err
	}
	r := k.request(name, spec)
	k.requests = append(k.requests, r)
	k.packages.add(r)
	return nil
}

// passes evaluates the filters of a spec; the first that says no decides.
func (k *collector) passes(spec value) (bool, error) {
	for _, filter := range []func(value) (bool, error){k.installType, k.arch, k.pythonVersion, k.when} {
		if pass, err := filter(spec); err != nil || !pass {
			return false, err
		}
	}
	return true, nil
}

// request is what an entry asks for where its filters let it pass.
func (k *collector) request(name string, spec value) request {
	return request{
		wanted: wanted{name, k.element}, phase: phaseOf(spec), conditional: conditional(spec),
		where:     fmt.Sprintf("%s, line %d", k.file, spec.line),
		uninstall: k.flag(spec, "uninstall"), buildOnly: k.flag(spec, "build-only"),
	}
}

func phaseOf(spec value) string {
	if v, ok := spec.get("phase"); ok {
		return v.text
	}
	return "install.d"
}

// conditional tells whether it depends on the environment of hooks, which is known
// to hooks alone, if the package is wanted.
func conditional(spec value) bool {
	for _, key := range []string{"installtype", "dib_python_version", "when"} {
		if _, ok := spec.get(key); ok {
			return true
		}
	}
	return false
}

// flag reads a key whose presence counts upstream, whatever its value.
func (k *collector) flag(spec value, key string) bool {
	v, ok := spec.get(key)
	if !ok || v.kind != kindBool || v.text == "True" {
		return ok
	}
	return k.compat
}

func (k *collector) installType(spec value) (bool, error) {
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

func (k *collector) arch(spec value) (bool, error) {
	only, hasOnly := spec.get("arch")
	not, hasNot := spec.get("not-arch")
	hasOnly, hasNot = hasOnly && only.kind != kindNull, hasNot && not.kind != kindNull
	switch {
	case !hasOnly && !hasNot:
		return true, nil
	case !only.empty() && !not.empty():
		return false, errors.New("arch and not-arch exclude each other; give one of them")
	case !only.empty():
		return k.archListed("arch", only)
	case !hasNot:
		return false, errors.New("arch is empty; leave it out, or name architectures")
	}
	listed, err := k.archListed("not-arch", not)
	return !listed, err
}

func (k *collector) archListed(key string, list value) (bool, error) {
	if list.kind != kindString {
		return false, fmt.Errorf("%s wants a string of architectures with commas between them, found %s %q", key, list.kind, list.text)
	}
	arch, err := k.c.need("ARCH")
	if err != nil {
		return false, err
	}
	for item := range strings.SplitSeq(list.text, ",") {
		if !k.compat {
			item = strings.TrimSpace(item)
		}
		if item == arch {
			return true, nil
		}
	}
	return false, nil
}

func (k *collector) pythonVersion(spec value) (bool, error) {
	v, ok := spec.get("dib_python_version")
	if !ok || v.kind == kindString && v.text == "" {
		return true, nil
	}
	return v.text == k.c.getenv("DIB_PYTHON_VERSION", ""), nil
}

// whenLine is VAR = value or VAR != value, with the letters and blanks of Python's re.
var whenLine = regexp.MustCompile(`^([\p{L}\p{N}_]+)` + pythonBlanks + `(!?=)` + pythonBlanks + `(.*)`)

const pythonBlanks = `[\t-\r\x1c-\x20\x{85}\p{Z}]*`

// whenParts takes a statement apart: variable, operator and value at 1, 2 and 3.
func whenParts(s value) ([]string, error) {
	m := whenLine.FindStringSubmatch(s.text)
	if s.kind != kindString || m == nil {
		return nil, fmt.Errorf("when: Malformed when line: <%s>; write VARIABLE = value or VARIABLE != value", s.text)
	}
	return m, nil
}

// statements lists what the key when holds, one statement or several.
func statements(spec value) []value {
	v, ok := spec.get("when")
	switch {
	case !ok || v.kind == kindNull:
		return nil
	case v.kind == kindList:
		return v.items
	}
	return []value{v}
}

// when evaluates the statements of that key; all must hold. Each is evaluated,
// so that a mistake in one shows whatever the others say.
func (k *collector) when(spec value) (bool, error) {
	all := true
	for _, s := range statements(spec) {
		m, err := whenParts(s)
		if err != nil {
			return false, err
		}
		actual, set := k.c.lookupEnv(m[1])
		if !set {
			return false, fmt.Errorf("when: The variable <%s> is not set, but the package depends on %s", m[1], s.text)
		}
		all = all && (actual == m[3]) == (m[2] == "=")
	}
	return all, nil
}
