// SPDX-License-Identifier: MPL-2.0

package plan

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/guest"
)

// planLists checks the data files of elements that hooks will read (element
// contract §4): what would end the build is an error now, what diskimage-builder
// passes over in silence a note.
func (p *Plan) planLists(catalogue *element.Catalog) error {
	p.noteUnread()
	p.noteShadowed(catalogue)
	sources := p.packageSources()
	var errs []error
	if p.Set.Contains("package-installs") {
		entries, notes, err := guest.CheckPackages(sources, p.packageFacts())
		p.Installs = entries
		p.Notes, errs = append(p.Notes, notes...), append(errs, err)
	}
	for _, s := range sources {
		if p.Set.Contains("pkg-map") {
			notes, err := guest.CheckPackageMap(s)
			p.Notes, errs = append(p.Notes, notes...), append(errs, err)
		}
		if p.Set.Contains("source-repositories") && p.request.Environment["NO_SOURCE_REPOSITORIES"] == "" {
			errs = append(errs, guest.CheckRepositories(s))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return mistakes("elements", err)
	}
	return nil
}

func (p *Plan) packageSources() []guest.PackageSource {
	sources := make([]guest.PackageSource, len(p.Set.Elements))
	for i, e := range p.Set.Elements {
		sources[i] = guest.PackageSource{Element: e.Name, Dir: e.Dir, FS: e.FS}
	}
	return sources
}

func (p *Plan) packageFacts() guest.PackageFacts {
	return guest.PackageFacts{Arch: p.Architecture, Compat: p.request.Compat, InstallTypes: p.installTypes()}
}

// EvaluateInstalls decides about the entries of Installs, with the environment
// ("NAME=value") that hooks of extra-data.d will see, and tells what phases do in
// the end.
func (p *Plan) EvaluateInstalls(environment []string) ([]guest.DecidedEntry, []guest.PackagePhase, error) {
	if !p.Set.Contains("package-installs") {
		return nil, nil, nil
	}
	entries, phases, err := guest.EvaluatePackages(p.packageSources(), p.packageFacts(), environment)
	if err != nil {
		return nil, nil, mistakes("elements", err)
	}
	return entries, phases, nil
}

// installTypes are the types that the template chooses and those that elements
// have hooks for.
func (p *Plan) installTypes() []string {
	var all []string
	for name, value := range p.request.Environment {
		if name == "DIB_DEFAULT_INSTALLTYPE" || strings.HasPrefix(name, "DIB_INSTALLTYPE_") {
			all = append(all, value)
		}
	}
	for _, e := range p.Set.Elements {
		dirs, err := fs.Glob(e.FS, "install.d/*-*-install")
		if err != nil {
			continue // the pattern is good
		}
		for _, dir := range dirs {
			words := strings.Split(strings.TrimSuffix(dir, "-install"), "-")
			all = append(all, words[len(words)-1])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// readers are the elements whose hooks read what others bring.
var readers = [...]struct{ file, by string }{
	{"package-installs.yaml", "package-installs"}, {"package-installs.json", "package-installs"},
	{"pkg-map", "pkg-map"}, {"svc-map", "svc-map"}, {"source-repository-*", "source-repositories"},
	{"static", "install-static"}, {"bin", "install-bin"}, {"init-scripts", "dib-init-system"},
}

// noteUnread tells of data files of the user's elements that no element of the
// image reads.
func (p *Plan) noteUnread() {
	for _, e := range p.Set.Elements {
		for _, r := range readers {
			found, err := fs.Glob(e.FS, r.file)
			if err != nil || len(found) == 0 || e.Builtin || p.Set.Contains(r.by) || e.Name == r.by {
				continue
			}
			p.Notes = append(p.Notes, "element "+e.Name+": "+filepath.Join(e.Dir, found[0])+
				" is not used, because the element "+r.by+" is not in the image; name it in element-deps")
		}
	}
}

// noteShadowed tells of lists of packages that diskimage-builder would read from
// copies of an element further down the path (quirk 19), unless they say the same.
func (p *Plan) noteShadowed(catalogue *element.Catalog) {
	for _, e := range p.Set.Elements {
		if e.Builtin {
			continue
		}
		for _, loser := range catalogue.Shadowed(e.Name) {
			for _, name := range []string{"package-installs.json", "package-installs.yaml"} {
				lost, err := fs.ReadFile(loser.FS, name)
				if err != nil {
					continue
				}
				if won, err := fs.ReadFile(e.FS, name); err == nil && bytes.Equal(won, lost) {
					continue
				}
				p.Notes = append(p.Notes, "element "+e.Name+": "+filepath.Join(loser.Dir, name)+
					" is not read, because "+e.Dir+" comes first on the path; diskimage-builder reads both")
			}
		}
	}
}
