// SPDX-License-Identifier: MPL-2.0

//go:generate packer-sdc mapstructure-to-hcl2 -type DatasourceOutput,Element,Provision,Phase,Hook,InstallType,EnvironmentFile,Package,PackagePhase,Disk,Partition,Variable
//go:generate packer-sdc struct-markdown

package elements

// DatasourceOutput is what the elements resolve to. Every list and map is there,
// if empty, and the order of each is the same every time. Numbers are strings, as
// Packer's older protocol (gob) breaks numbers inside of lists and Packer crashes.
type DatasourceOutput struct {
	// The architecture for which it holds.
	Architecture string `mapstructure:"architecture"`
	// The elements of the image, dependencies before those that need them.
	Elements []Element `mapstructure:"elements"`
	// Names that elements stand in for, such as `operating-system`.
	Provided []Provision `mapstructure:"provided"`
	// All phases in the order in which they run.
	Phases []Phase `mapstructure:"phases"`
	// Hooks that run in install.d only if an install type is chosen.
	InstallTypes []InstallType `mapstructure:"install_types"`
	// The environment.d files in the order of sourcing, that of the builder
	// (element `core`) included.
	EnvironmentFiles []EnvironmentFile `mapstructure:"environment_files"`
	// The entries of the elements' package-installs files for this architecture.
	Packages []Package `mapstructure:"packages"`
	// What each phase installs and uninstalls in the end.
	PackagePhases []PackagePhase `mapstructure:"package_phases"`
	// The disk that would be made, as far as its layout says it.
	Disk Disk `mapstructure:"disk"`
	// The `DIB_*` variables that elements or the builder read.
	Variables []Variable `mapstructure:"variables"`
	// Whether environment.d was sourced (`evaluate`).
	Evaluated bool `mapstructure:"evaluated"`
	// The variables that environment.d sets or changes, if it was sourced.
	EnvironmentValues map[string]string `mapstructure:"environment_values"`
	// What is worth a look, a sentence each: what `packer validate` warns of.
	Warnings []string `mapstructure:"warnings"`
	// All of this but the README texts, for people.
	Text string `mapstructure:"text"`
}

// Element is an element of the image.
type Element struct {
	// The element's name.
	Name string `mapstructure:"name"`
	// Its directory; `builtin:` and the name for one that is part of the plugin.
	Directory string `mapstructure:"directory"`
	// Whether it is part of the plugin.
	Builtin bool `mapstructure:"builtin"`
	// Why it is there, in words.
	Because string `mapstructure:"because"`
	// Whether the template names it.
	Requested bool `mapstructure:"requested"`
	// The elements that name it in their element-deps.
	NeededBy []string `mapstructure:"needed_by"`
	// What it names in its own element-deps.
	Needs []string `mapstructure:"needs"`
	// The names that it stands in for.
	Provides []string `mapstructure:"provides"`
	// The text of its README, empty if there is none.
	Readme string `mapstructure:"readme"`
}

// Provision is a name that elements stand in for.
type Provision struct {
	// The name.
	Name string `mapstructure:"name"`
	// The elements that provide it.
	By []string `mapstructure:"by"`
}

// Phase is a step of a build.
type Phase struct {
	// The directory of its hooks, such as `install.d`.
	Name string `mapstructure:"name"`
	// Where its hooks run: `host` or `chroot`.
	Where string `mapstructure:"where"`
	// What it is for.
	Meaning string `mapstructure:"meaning"`
	// The hooks in run order.
	Hooks []Hook `mapstructure:"hooks"`
}

// Hook is a program that a phase runs.
type Hook struct {
	// The file's name.
	Name string `mapstructure:"name"`
	// The element that it comes from.
	Element string `mapstructure:"element"`
	// Where it lies.
	Source string `mapstructure:"source"`
}

// InstallType is a directory of hooks that is used if its type is chosen.
type InstallType struct {
	// The directory below install.d, such as `app-source-install`.
	Name string `mapstructure:"name"`
	// The part of the name that `DIB_INSTALLTYPE_<prefix>` chooses for.
	Prefix string `mapstructure:"prefix"`
	// The type that has to be chosen.
	Type string `mapstructure:"type"`
	// Whether it is: `yes` or `no`; `undecided` without `evaluate`.
	Applies string `mapstructure:"applies"`
	// Its hooks in run order.
	Hooks []Hook `mapstructure:"hooks"`
}

// EnvironmentFile is a file of environment.d.
type EnvironmentFile struct {
	// The file's name.
	Name string `mapstructure:"name"`
	// The element that it comes from.
	Element string `mapstructure:"element"`
	// Where it lies; empty for the builder's own.
	Source string `mapstructure:"source"`
}

// Package is an entry of a package-installs file.
type Package struct {
	// The element's name for the package.
	Name string `mapstructure:"name"`
	// Its names in the distribution, by the element's pkg-map. Empty without
	// `evaluate`, as the distribution is not known then.
	Mapped []string `mapstructure:"mapped"`
	// The element whose entry it is.
	Element string `mapstructure:"element"`
	// The file of the entry.
	Source string `mapstructure:"source"`
	// The line in it.
	Line string `mapstructure:"line"`
	// The phase in which it is installed or uninstalled.
	Phase string `mapstructure:"phase"`
	// `install`, `uninstall`, or `build-only`: installed when the phase begins
	// and uninstalled when it ends.
	Action string `mapstructure:"action"`
	// The conditions of the entry as they are written, such as
	// `when: DIB_X = 1`; all have to hold.
	Conditions []string `mapstructure:"conditions"`
	// Whether they do: `yes` or `no`, and without `evaluate` `undecided` where
	// they depend on variables.
	Applies string `mapstructure:"applies"`
}

// PackagePhase is the outcome of all entries of a phase that apply.
type PackagePhase struct {
	// The phase.
	Name string `mapstructure:"name"`
	// What is installed when it begins: the distribution's names if that is
	// known (`evaluate`), else the elements'.
	Install []string `mapstructure:"install"`
	// What is uninstalled when it ends, likewise.
	Uninstall []string `mapstructure:"uninstall"`
	// What is installed if conditions hold that are undecided.
	Undecided []string `mapstructure:"undecided"`
}

// Disk is the disk of the image.
type Disk struct {
	// Where the layout comes from.
	From string `mapstructure:"from"`
	// The partition table: `gpt`, `mbr` or `none`.
	Table string `mapstructure:"table"`
	// The partitions in their order, or the whole disk.
	Partitions []Partition `mapstructure:"partitions"`
	// The /etc/fstab that the image gets.
	Fstab string `mapstructure:"fstab"`
}

// Partition is a partition, or the whole disk where there is no table.
type Partition struct {
	// Its number, `0` for the whole disk.
	Number string `mapstructure:"number"`
	// Its name in the layout.
	Name string `mapstructure:"name"`
	// Its type in the partition table.
	Type string `mapstructure:"type"`
	// Its size as the layout has it.
	Size string `mapstructure:"size"`
	// Its size in bytes, `0` if that is a share of the disk.
	Bytes string `mapstructure:"bytes"`
	// Its file system, empty if it has none.
	Filesystem string `mapstructure:"filesystem"`
	// The file system's label.
	Label string `mapstructure:"label"`
	// Where it is mounted.
	MountPoint string `mapstructure:"mount_point"`
}

// Variable is a `DIB_*` variable.
type Variable struct {
	// The variable's name, or the beginning of names.
	Name string `mapstructure:"name"`
	// Whether the name is only the beginning of names that are put together
	// while the build runs, as `DIB_REPOREF_`.
	Prefix bool `mapstructure:"prefix"`
	// The elements that read it.
	Elements []string `mapstructure:"elements"`
	// The elements that give it a value.
	SetBy []string `mapstructure:"set_by"`
	// Whether the builder itself reads it.
	Builder bool `mapstructure:"builder"`
	// The defaults that files give it where they can be read off: several if
	// files disagree, none if they are put together while the build runs.
	Defaults []string `mapstructure:"defaults"`
}
