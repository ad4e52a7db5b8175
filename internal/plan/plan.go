// SPDX-License-Identifier: MPL-2.0

// Package plan puts together everything about a build that can be known before
// root is needed: which elements and hooks run in which order, how the disk is
// laid out, what comes out, and what is missing on this host.
//
// A Plan is a pure function of a Request (what the template asks for), the
// catalogue of elements and an Inventory (what this host has). It is a plain
// value: printed before work starts, compared with golden files in tests, and
// carried out by package pipeline. What is wrong with the template is an error
// of New that names the attribute; what is wrong with the host is a Problem in
// the plan, since only the caller knows whether the plan is to be carried out
// here.
package plan

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/guest"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/hook"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/image"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/layout"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/variable"
)

// Request is what a template asks for, decoded and with defaults.
type Request struct {
	Elements []string
	// ElementPaths are searched before the built-in elements.
	ElementPaths []string
	// SkipBase leaves out the element base.
	SkipBase bool
	// PathInfrastructure names infrastructure elements that are taken from
	// ElementPaths although the engine has its own.
	PathInfrastructure []string
	// Architecture is a Debian architecture name: amd64, arm64, …
	Architecture string
	// Environment is what hooks will see: the caller's variables with the
	// template's over them. Some of them (DIB_*, FS_TYPE) decide the layout.
	Environment map[string]string
	// Given names the variables that the template itself sets.
	Given []string
	// Packages are installed between install.d and the provisioners.
	Packages []string

	OutputDirectory, ImageName string
	Formats                    []image.Format
	Compression                image.Compression
	// QCOW2Options are further options of qcow2 files.
	QCOW2Options image.Options
	// Force allows existing outputs.
	Force bool

	// DiskSize is the size of the whole disk in bytes, 0 to compute it.
	DiskSize int64
	// ExtraSize in bytes replaces the proportional reserve of a computed size;
	// 0 means it was not given.
	ExtraSize int64
	// JournalSize is the size of an ext4 journal in bytes, 0 for the default.
	JournalSize int64
	// MaxOnlineResize is the number of blocks up to which an ext root can grow,
	// 0 for mke2fs's own.
	MaxOnlineResize int64
	RootFS          string
	RootLabel       string
	MkfsOptions     []string
	Compat          bool
	ImageCache      string
	Memory          Memory
	Reproducible    bool
	Seed            Seed
}

// Seed is what a seed of cloud-init takes of disk and outputs.
type Seed struct {
	// Label and Bytes are those of a FAT partition; 0 bytes for none.
	Label string
	Bytes int64
	// Files are the names of volumes beside the image.
	Files []string
}

// Memory says whether the tree may be made in memory.
type Memory string

// The values of the template's tmpfs attribute.
const (
	MemoryAuto   Memory = "auto"
	MemoryAlways Memory = "always"
	MemoryNever  Memory = "never"
)

// Plan is what will be done. Sizes are bytes.
type Plan struct {
	Architecture string
	// Requested are the elements that the template names, in its order.
	Requested []string
	Elements  []Element
	Phases    []Phase
	Packages  []string
	Disk      Disk
	Output    Output
	Tools     []Tool
	Workspace Workspace
	// Problems are what is wrong with this host; a build fails on the first.
	Problems []string
	// Notes are worth a look but stop nothing.
	Notes []string

	// SudoMissing says that hooks call sudo and this host has none.
	SudoMissing  bool
	ElementPaths []string `json:"-"`

	// What the making half works with.
	Set    *element.Set   `json:"-"`
	Hooks  *hook.Tree     `json:"-"`
	Layout *layout.Layout `json:"-"`
	// Installs are the packages that elements ask package-installs for.
	Installs []guest.PackageEntry `json:"-"`
	request  Request
}

// builtIn stands for the directory of an element that is part of the plugin.
const builtIn = "built-in"

// Element is a line of the element list.
type Element struct {
	Name string
	// From is the directory the element is read from, or "built-in".
	From string
	// Because tells who asked for it.
	Because string
}

// Phase is a phase and its hooks in run order. Elements can add hooks while
// the build runs (install types do).
type Phase struct {
	Name  string
	Where string
	Hooks []string
}

// Output is what a build leaves: Directory/Name.EXTENSION for each format, and
// what elements put beside it.
type Output struct {
	Directory, Name string
	// Files are the images. With element no-final-image there are none, and all
	// files that hooks put beside the image are the artifact.
	Files []File
	// Beside are files that belong to the image: of an element that is known to
	// put them beside it, or volumes with a seed.
	Beside []string `json:",omitempty"`
}

// File is an output file.
type File struct {
	Name        string
	Format      image.Format
	Compression string `json:",omitempty"`
}

// Tool is a program that must be on this host.
type Tool struct {
	// Names are alternatives, the preferred one first.
	Names []string
	// For says what needs it.
	For string
	// Found is the alternative that is there, "" if none is.
	Found string
	// Package is the Debian package that has it.
	Package string
}

// Workspace is where the build works.
type Workspace struct {
	// MemoryBytes is the size of the tmpfs for the tree, 0 if it is on disk.
	MemoryBytes int64
	// ImageCache is DIB_IMAGE_CACHE.
	ImageCache string
}

// AttributeError is a mistake in the template.
type AttributeError struct {
	Attribute string
	Err       error
}

// Error names the attribute first.
func (e *AttributeError) Error() string { return e.Attribute + ": " + e.Err.Error() }

// Unwrap returns what is wrong with the attribute.
func (e *AttributeError) Unwrap() error { return e.Err }

// mistakes says of which attribute an error is; of a joined error each one by itself.
func mistakes(attribute string, err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return &AttributeError{attribute, err}
	}
	var errs []error
	for _, e := range joined.Unwrap() {
		errs = append(errs, mistakes(attribute, e))
	}
	return errors.Join(errs...)
}

// New makes the plan. Its errors are AttributeErrors, joined.
func New(r Request, catalogue *element.Catalog, host Inventory) (*Plan, error) {
	p := &Plan{
		Architecture: r.Architecture,
		Requested:    r.Elements,
		Packages:     r.Packages,
		ElementPaths: r.ElementPaths,
		request:      r,
	}
	if err := p.planElements(catalogue); err != nil {
		return nil, err
	}
	if err := errors.Join(p.checkRelease(), p.planLists(catalogue), p.planDisk()); err != nil {
		return nil, err
	}
	p.noteUnknownVariables()
	p.noteLogin()
	p.planOutput()
	p.planWorkspace(host)
	p.planTools(host)
	p.Problems = host.problems(p)
	return p, nil
}

// noteUnknownVariables tells of DIB_* variables of the template that nobody
// reads, slips most likely.
func (p *Plan) noteUnknownVariables() {
	if !slices.ContainsFunc(p.request.Given, func(name string) bool { return strings.HasPrefix(name, "DIB_") }) {
		return
	}
	known, err := variable.Of(p.Set.Elements)
	if err != nil {
		p.Notes = append(p.Notes, "environment was not checked for unknown variables: "+err.Error())
		return
	}
	for _, sentence := range known.Unknown(p.request.Given) {
		p.Notes = append(p.Notes, "environment: "+sentence)
	}
}

// Wants tells whether a format is among the outputs.
func (p *Plan) Wants(format image.Format) bool {
	for _, f := range p.Output.Files {
		if f.Format == format {
			return true
		}
	}
	return false
}

// Compression is the chosen compression of compressible formats.
func (p *Plan) Compression() image.Compression { return p.request.Compression }

// QCOW2Options are further options of qcow2 files.
func (p *Plan) QCOW2Options() image.Options { return p.request.QCOW2Options }

// Compat tells whether upstream's quirks are wanted (dib_compat).
func (p *Plan) Compat() bool { return p.request.Compat }

// OptionVariables are what disk-image-create exports because of an option, where
// the template has the like of it: sizes are in the units that hooks know them by
// (element contract §1.2, §2.7).
func (p *Plan) OptionVariables() map[string]string {
	options := map[string]string{}
	if p.request.SkipBase {
		options["SKIP_BASE"] = "1"
	}
	if p.request.Compression == image.NoCompression {
		options["COMPRESS_IMAGE"] = ""
	}
	for _, s := range []struct {
		name string
		size int64
		unit float64
	}{
		{"DIB_IMAGE_SIZE", p.request.DiskSize, 1 << 30},
		{"DIB_IMAGE_EXTRA_SIZE", p.request.ExtraSize, 1 << 20},
		{"DIB_JOURNAL_SIZE", p.request.JournalSize, 1 << 20},
	} {
		if s.size > 0 {
			options[s.name] = strconv.FormatFloat(float64(s.size)/s.unit, 'f', -1, 64)
		}
	}
	return options
}

// Reproducible tells whether outputs must be the same every time.
func (p *Plan) Reproducible() bool { return p.request.Reproducible }

func (p *Plan) planOutput() {
	r := p.request
	p.Output = Output{Directory: r.OutputDirectory, Name: r.ImageName}
	if p.Set.Contains("baremetal") {
		p.Output.Beside = []string{r.ImageName + ".vmlinuz", r.ImageName + ".initrd"}
	}
	p.Output.Beside = append(p.Output.Beside, r.Seed.Files...)
	if p.Set.Contains("no-final-image") {
		p.Notes = append(p.Notes, "no image is written and formats has no effect: element no-final-image is used; "+
			"the artifact is what hooks put beside the image")
		return
	}
	for _, format := range r.Formats {
		file := File{Name: r.ImageName + format.Extension(), Format: format}
		if format == image.QCOW2 {
			file.Compression = string(r.Compression)
		}
		p.Output.Files = append(p.Output.Files, file)
	}
}

func (p *Plan) planElements(catalogue *element.Catalog) error {
	r := p.request
	set, err := catalogue.Resolve(element.Request{
		Elements:           r.Elements,
		Arch:               r.Architecture,
		SkipBase:           r.SkipBase,
		PathInfrastructure: r.PathInfrastructure,
	})
	if err != nil {
		attribute := "elements"
		if unchosen := (*element.InfrastructureError)(nil); errors.As(err, &unchosen) {
			attribute = "path_infrastructure"
		}
		return mistakes(attribute, err)
	}
	tree, err := hook.Merge(set.Elements)
	if err != nil {
		return mistakes("elements", err)
	}
	p.Set, p.Hooks = set, tree
	p.Notes = append(p.Notes, set.Warnings...)
	for _, e := range set.Elements {
		from := e.Dir
		if e.Builtin {
			from = builtIn
		}
		p.Elements = append(p.Elements, Element{Name: e.Name, From: from, Because: set.Why(e.Name).String()})
	}
	if err := tree.MatchNames(r.Environment["RUN_PARTS_REGEX"]); err != nil {
		return &AttributeError{"environment", err}
	}
	p.planPhases()
	return nil
}

func (p *Plan) planPhases() {
	for _, phase := range hook.Phases() {
		p.Phases = append(p.Phases, Phase{Name: phase.Name, Where: phase.Where.String(), Hooks: p.hooksOf(phase.Name)})
	}
	if scripts := p.hooksOf(hook.FirstBootDir); len(scripts) > 0 {
		p.Phases = append(p.Phases, Phase{Name: hook.FirstBootDir, Where: "image", Hooks: scripts})
	}
	p.noteHooks()
}

func (p *Plan) hooksOf(dir string) []string {
	var hooks []string
	for _, h := range p.Hooks.Hooks(dir) {
		hooks = append(hooks, h.Name+"["+h.Element+"]")
	}
	return hooks
}
