// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
)

// PackageSource is an element whose lists of packages are read.
type PackageSource struct {
	Element string
	// Dir is its directory as messages name it.
	Dir string
	FS  fs.FS
}

// PackageFacts is what is known of a build before its hooks run.
type PackageFacts struct {
	// Arch is what ARCH will be.
	Arch string
	// Compat brings back quirk 18 of the contract.
	Compat bool
	// InstallTypes are the words that the template chooses or elements have hooks for.
	InstallTypes []string
}

// PackageEntry is one entry of a package-installs file, unevaluated: a package and
// the conditions under which it is installed or removed. Fields that are empty in
// the file are empty here.
type PackageEntry struct {
	Package, Element, File string
	Line                   int
	Phase                  string
	// Uninstall and BuildOnly are as the build will take them.
	Uninstall, BuildOnly bool
	InstallType          string
	Arch, NotArch        string
	PythonVersion        string
	When                 []string
}

// Conditional tells whether the package is wanted in some builds only, for reasons
// that are known when hooks run. What Arch and NotArch leave out is not among the
// entries of CheckPackages.
func (e PackageEntry) Conditional() bool {
	return e.InstallType != "" || e.PythonVersion != "" || len(e.When) > 0
}

// CheckPackages reads the package-installs files of a build's elements, in their
// order, before the build runs (element contract §4.1). It returns the entries for
// this architecture; a sentence for every mistake that diskimage-builder would pass
// over in silence; and the mistakes that are certain to end the build as an error.
func CheckPackages(sources []PackageSource, facts PackageFacts) ([]PackageEntry, []string, error) {
	call := &call{env: []string{"ARCH=" + facts.Arch}}
	l := &lister{facts: facts, k: collector{c: call, compat: facts.Compat, packages: packages{}}}
	l.read(sources)
	l.warnings = append(l.warnings, conflicts(l.k.requests, false)...)
	return l.entries, l.warnings, errors.Join(l.errs...)
}

// read reads the files of all elements.
func (l *lister) read(sources []PackageSource) {
	for _, s := range sources {
		l.misnamed(s)
		for _, name := range installFiles {
			doc, err := fs.ReadFile(s.FS, name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			l.k.element, l.k.file = s.Element, filepath.Join(s.Dir, name)
			if err == nil {
				err = l.file(name, doc)
			}
			if err != nil {
				l.errs = append(l.errs, fmt.Errorf("element %s: reading its packages: %s: %w", s.Element, l.k.file, err))
			}
		}
	}
}

// lister reads entries without evaluating what only hooks know.
type lister struct {
	facts   PackageFacts
	k       collector
	entries []PackageEntry
	// specs are what the entries were read from.
	specs    []value
	warnings []string
	errs     []error
}

// misnamed warns of files with a name that nothing reads.
func (l *lister) misnamed(s PackageSource) {
	for _, name := range []string{"package-installs.yml", "package-install.yaml", "package-installs"} {
		if info, err := fs.Stat(s.FS, name); err == nil && info.Mode().IsRegular() {
			l.warnings = append(l.warnings, fmt.Sprintf("element %s: %s is not read; a list of packages must be called package-installs.yaml or package-installs.json",
				s.Element, filepath.Join(s.Dir, name)))
		}
	}
}

func (l *lister) file(name string, doc []byte) error {
	all, err := parseValue(name, doc)
	if err != nil || all.kind == kindNull {
		return err
	}
	if all.kind != kindMap {
		return fmt.Errorf("want a map of packages, found %s", all.kind)
	}
	for _, key := range all.twice {
		l.warnf(key.line, key.text, "is listed twice in this file, and only the last entry counts; write a list of maps to have several")
	}
	for _, p := range all.pairs {
		if p.key.kind != kindString {
			return fmt.Errorf("line %d: the package name %s is %s to YAML 1.1; put it in quotes", p.key.line, p.key.text, p.key.kind)
		}
		for _, spec := range specsOf(p) {
			if err := l.entry(p.key.text, spec); err != nil {
				return fmt.Errorf("line %d: package %s: %w", spec.line, p.key.text, err)
			}
		}
	}
	return nil
}

func (l *lister) warnf(line int, name, format string, args ...any) {
	l.warnings = append(l.warnings, fmt.Sprintf("element %s: %s, line %d: package %s: ", l.k.element, l.k.file, line, name)+fmt.Sprintf(format, args...))
}

// entry checks one spec. An error is one that evaluation will meet for certain;
// behind a condition it is a warning.
func (l *lister) entry(name string, spec value) error {
	if spec.kind != kindMap {
		return fmt.Errorf("want a map of settings, found %s", spec.kind)
	}
	l.checkKeys(name, spec)
	l.checkPhase(name, spec)
	l.checkFlag(name, spec, "uninstall")
	l.checkFlag(name, spec, "build-only")
	l.checkInstallType(name, spec)
	l.checkArch(name, spec, "arch")
	l.checkArch(name, spec, "not-arch")
	certain := !has(spec, "installtype")
	here, err := l.k.arch(spec)
	if err == nil {
		certain = certain && here && !has(spec, "dib_python_version")
		l.checkPythonVersion(name, spec)
		err = l.checkWhen(name, spec)
	}
	if err != nil && certain {
		return err
	}
	if err != nil {
		l.warnf(spec.line, name, "the build will fail wherever this entry applies: %s", err)
	} else if here {
		r := l.k.request(name, spec)
		l.k.requests = append(l.k.requests, r)
		l.entries, l.specs = append(l.entries, l.describe(r, spec)), append(l.specs, spec)
	}
	return nil
}

func has(spec value, key string) bool { _, ok := spec.get(key); return ok }

func (l *lister) describe(r request, spec value) PackageEntry {
	text := func(key string) string {
		v, ok := spec.get(key)
		switch {
		case !ok || v.kind == kindNull:
			return ""
		case v.kind >= kindList:
			return v.kind.String()
		}
		return v.text
	}
	e := PackageEntry{
		Package: r.Package, Element: r.Element, File: l.k.file, Line: spec.line, Phase: r.phase,
		Uninstall: r.uninstall && !r.buildOnly, BuildOnly: r.buildOnly,
		InstallType: text("installtype"), Arch: text("arch"), NotArch: text("not-arch"), PythonVersion: text("dib_python_version"),
	}
	// Conditions too, though hardly ever what was meant.
	if v, ok := spec.get("installtype"); ok && v.kind == kindString && v.text == "" {
		e.InstallType = "''"
	}
	if v, ok := spec.get("dib_python_version"); ok && v.kind == kindNull {
		e.PythonVersion = v.kind.String()
	}
	for _, s := range statements(spec) {
		e.When = append(e.When, s.text)
	}
	return e
}

// packageKeys are the keys of a spec.
func packageKeys() []string {
	return []string{"phase", "uninstall", "build-only", "installtype", "arch", "not-arch", "dib_python_version", "when"}
}

func (l *lister) checkKeys(name string, spec value) {
	for _, p := range spec.pairs {
		if !slices.Contains(packageKeys(), p.key.text) {
			l.warnf(p.key.line, name, "the key %q has no effect%s; keys are %s",
				p.key.text, nearest.Hint(p.key.text, packageKeys()), strings.Join(packageKeys(), ", "))
		}
	}
	for _, key := range spec.twice {
		l.warnf(key.line, name, "the key %q is there twice, and only the last counts", key.text)
	}
}

func (l *lister) checkPhase(name string, spec value) {
	if phase := phaseOf(spec); !slices.Contains(packagePhases[:], phase) {
		l.warnf(spec.line, name, "no packages are installed in the phase %q, so nothing comes of this entry%s; phases are %s",
			phase, nearest.Hint(phase, packagePhases[:]), strings.Join(packagePhases[:], ", "))
	}
}

// checkFlag warns of values that mean nothing: presence counts.
func (l *lister) checkFlag(name string, spec value, key string) {
	v, ok := spec.get(key)
	no := v.empty() || slices.Contains([]string{"false", "no", "off", "n", "0"}, strings.ToLower(v.text))
	switch {
	case !ok || v.kind == kindNull || !no:
	case v.kind == kindBool && !l.k.compat:
		l.warnf(spec.line, name, "%q is false and so is taken as not there, but to diskimage-builder it is true whatever its value; leave the key out", key)
	default:
		l.warnf(spec.line, name, "%q counts whatever its value (here %q); leave the key out if it is not meant", key, v.text)
	}
}

func (l *lister) checkInstallType(name string, spec value) {
	v, ok := spec.get("installtype")
	known := append([]string{"source", "package", "repo"}, l.facts.InstallTypes...)
	switch {
	case !ok || v.kind == kindNull:
	case v.kind != kindString:
		l.warnf(spec.line, name, "installtype is %s, which no install type is equal to; put it in quotes", v.kind)
	case !slices.Contains(known, v.text):
		l.warnf(spec.line, name, "nothing else knows the install type %q%s, so the package comes only if %s%s or DIB_DEFAULT_INSTALLTYPE says so",
			v.text, nearest.Hint(v.text, known), installTypePrefix, strings.ReplaceAll(l.k.element, "-", "_"))
	}
}

// checkArch warns of items in a list of architectures that cannot match.
func (l *lister) checkArch(name string, spec value, key string) {
	v, ok := spec.get(key)
	if !ok || v.kind != kindString {
		return
	}
	for item := range strings.SplitSeq(v.text, ",") {
		bare := strings.TrimSpace(item)
		switch {
		case bare == "":
			l.warnf(spec.line, name, "%s %q has an empty item", key, v.text)
		case bare != item && l.k.compat:
			l.warnf(spec.line, name, "%q in %s never matches because of the blanks; write the list without", item, key)
		case bare != item:
			l.warnf(spec.line, name, "the blanks in %s %q are ignored, but diskimage-builder never matches %q; write the list without", key, v.text, item)
		}
		if debian, ok := map[string]string{"x86_64": "amd64", "aarch64": "arm64", "i686": "i386", "armv7l": "armhf"}[bare]; ok {
			l.warnf(spec.line, name, "no ARCH is called %q; in %s write %q", bare, key, debian)
		}
	}
}

func (l *lister) checkPythonVersion(name string, spec value) {
	if v, ok := spec.get("dib_python_version"); ok && v.text != "" && v.text != "2" && v.text != "3" {
		l.warnf(spec.line, name, "dib_python_version %s never matches; versions are 2 and 3", v.text)
	}
}

// checkWhen warns of values that cannot be what was meant.
func (l *lister) checkWhen(name string, spec value) error {
	for _, s := range statements(spec) {
		m, err := whenParts(s)
		if err != nil {
			return err
		}
		val := m[3]
		switch {
		case strings.HasPrefix(val, "="):
			l.warnf(s.line, name, "when: in %q the second = belongs to the value; write one", s.text)
		case len(val) > 1 && (val[0] == '"' || val[0] == '\'') && val[len(val)-1] == val[0]:
			l.warnf(s.line, name, "when: in %q the quotes belong to the value; write %s %s %s", s.text, m[1], m[2], val[1:len(val)-1])
		case val != strings.TrimSpace(val):
			l.warnf(s.line, name, "when: in %q the blanks at the end belong to the value", s.text)
		}
	}
	return nil
}
