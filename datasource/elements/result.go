// SPDX-License-Identifier: MPL-2.0

package elements

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/guest"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/hook"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/plan"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/variable"
)

// result shows a plan.
type result struct {
	config Config
	plan   *plan.Plan
	// What evaluate finds; environment is nil without it.
	environment *pipeline.Evaluation
	entries     []guest.DecidedEntry
	phases      []guest.PackagePhase
}

// Answers to whether something applies.
const (
	yes       = "yes"
	no        = "no"
	undecided = "undecided"
)

func answer(applies bool) string {
	if applies {
		return yes
	}
	return no
}

func (r *result) output() (*DatasourceOutput, error) {
	known, err := variable.Of(r.plan.Set.Elements)
	if err != nil {
		return nil, err
	}
	o := &DatasourceOutput{
		Architecture: r.plan.Architecture, Evaluated: r.environment != nil, Warnings: r.plan.Notes,
		InstallTypes: r.installTypes(), Packages: r.packages(), PackagePhases: r.packagePhases(), Disk: r.disk(),
	}
	if r.environment != nil {
		o.EnvironmentValues = r.environment.Set
	}
	for _, e := range r.plan.Set.Elements {
		o.Elements = append(o.Elements, r.element(e))
	}
	for _, p := range r.plan.Set.Provided {
		o.Provided = append(o.Provided, Provision{p.Name, p.By})
	}
	for _, p := range hook.Phases() {
		o.Phases = append(o.Phases, Phase{p.Name, p.Where.String(), p.Meaning, hooks(r.plan.Hooks.Hooks(p.Name))})
	}
	for _, h := range hook.WithInstallType(r.plan.Hooks.EnvironmentFiles()) {
		o.EnvironmentFiles = append(o.EnvironmentFiles, EnvironmentFile{h.Name, h.Element, h.Source})
	}
	for _, v := range known.Variables() {
		o.Variables = append(o.Variables, Variable{v.Name, v.Prefix, v.ReadBy, v.SetBy, v.Builder, v.Defaults})
	}
	o.Text = r.text(o)
	return o, nil
}

func (r *result) element(e element.Element) Element {
	why := r.plan.Set.Why(e.Name)
	return Element{
		Name: e.Name, Directory: e.Dir, Builtin: e.Builtin, Because: why.String(), Requested: why.Requested,
		NeededBy: why.NeededBy, Needs: e.Deps, Provides: e.Provides, Readme: readme(e.FS),
	}
}

// readme is the text of the first of the files that people give that name.
func readme(fsys fs.FS) string {
	for _, name := range []string{"README.md", "README.rst", "README.txt", "README"} {
		if text, err := fs.ReadFile(fsys, name); err == nil {
			return string(text)
		}
	}
	return ""
}

func hooks(list []hook.Hook) []Hook {
	var all []Hook
	for _, h := range list {
		all = append(all, Hook{h.Name, h.Element, h.Source})
	}
	return all
}

// installTypes lists the directories that install-types makes hooks of.
func (r *result) installTypes() []InstallType {
	var all []InstallType
	for _, entry := range r.plan.Hooks.Entries() {
		name, below := strings.CutPrefix(entry.Path, "install.d/")
		words := strings.Split(strings.TrimSuffix(name, "-install"), "-")
		if !below || !entry.Mode.IsDir() || strings.Contains(name, "/") || !strings.HasSuffix(name, "-install") || len(words) < 2 {
			continue
		}
		t := InstallType{
			Name: name, Prefix: strings.Join(words[:len(words)-1], "-"), Type: words[len(words)-1], Applies: undecided,
			Hooks: hooks(r.plan.Hooks.Hooks(path.Join("install.d", name))),
		}
		if !r.plan.Set.Contains("install-types") {
			t.Applies = no
		} else if r.environment != nil {
			t.Applies = answer(guest.InstallType(t.Prefix, r.environment.Environment.List()) == t.Type)
		}
		all = append(all, t)
	}
	return all
}

func (r *result) packages() []Package {
	var all []Package
	if r.environment != nil {
		for _, e := range r.entries {
			p := newPackage(e.PackageEntry)
			p.Mapped, p.Applies = e.Mapped, answer(e.Applies)
			all = append(all, p)
		}
		return all
	}
	for _, e := range r.plan.Installs {
		all = append(all, newPackage(e))
	}
	return all
}

func newPackage(e guest.PackageEntry) Package {
	p := Package{Name: e.Package, Element: e.Element, Source: e.File, Line: strconv.Itoa(e.Line), Phase: e.Phase,
		Action: e.Action(), Conditions: e.Conditions(), Applies: yes}
	if e.Conditional() {
		p.Applies = undecided
	}
	return p
}

func (r *result) packagePhases() []PackagePhase {
	outcome := r.phases
	if r.environment == nil {
		outcome = guest.UnconditionalPackages(r.plan.Installs)
	}
	var all []PackagePhase
	for _, name := range guest.PackagePhases() {
		p := PackagePhase{Name: name}
		for _, o := range outcome {
			if o.Name == name {
				p.Install, p.Uninstall = o.Install, o.Uninstall
			}
		}
		for _, e := range r.packages() {
			if e.Phase == name && e.Applies == undecided && e.Action != "uninstall" {
				p.Undecided = append(p.Undecided, e.Name)
			}
		}
		slices.Sort(p.Undecided)
		p.Undecided = slices.Compact(p.Undecided)
		all = append(all, p)
	}
	return all
}

func (r *result) disk() Disk {
	d := Disk{From: r.plan.Disk.From, Table: r.plan.Disk.Table, Fstab: r.plan.Disk.Fstab}
	for _, a := range r.plan.Disk.Areas {
		d.Partitions = append(d.Partitions, Partition{strconv.Itoa(a.Number), a.Name, a.Type, a.Size, strconv.FormatInt(a.Bytes, 10), a.Filesystem, a.Label, a.MountPoint})
	}
	return d
}
