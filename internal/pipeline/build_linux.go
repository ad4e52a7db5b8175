// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"context"
	"path"
	"path/filepath"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/disk"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/fat"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/image"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/plan"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/release"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/repeat"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/sandbox"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/workdir"
)

// Options are what a build needs beside its plan.
type Options struct {
	Plan *plan.Plan
	// Caller is the environment that hooks inherit, Extra what the template
	// adds to it.
	Caller, Extra Environment
	// WorkParent is where the work directory is made.
	WorkParent string
	// Offline tells elements not to refresh their caches.
	Offline bool
	// InstallType is how elements install what they bring unless they are told
	// otherwise; empty means DIB_DEFAULT_INSTALLTYPE, then "source".
	InstallType string
	// Force replaces earlier outputs.
	Force bool
	// Time, if set, is the newest time that may stand in the image
	// (SOURCE_DATE_EPOCH), and asks for outputs that are the same every time.
	Time *time.Time
	// Contents are those of the layout's FAT file systems that are mounted nowhere,
	// by name.
	Contents map[string]*fat.Node
	// Outputs are written beside the image; the plan names them among its own.
	Outputs []Output
	// Breaks are points of ParseBreaks at which the build stops. Unless the
	// variable break_cmd says what to run there, Pause waits for a person; if
	// it is nil or fails the build fails.
	Breaks []string
	Pause  func(ctx context.Context, at Pause) error
	// Helper is the path of this binary, which also is the helper commands.
	Helper string
	Report Reporter
	Runner command.Runner
	// Verbose shows all that package tools print, not a digest of it.
	Verbose bool
}

// Output is a file that is made of nothing but what the template says.
type Output struct {
	Name string
	// Write makes the file at a path, where it is none.
	Write func(ctx context.Context, path string) error
}

// Pause is where a build stops for a person.
type Pause struct {
	// Point is a value of break, Phase the directory of hooks that it belongs to.
	Point, Phase string
	// Entrance is the command that opens a shell, from another terminal of this
	// host, with all that the phase's hooks have.
	Entrance string
}

// Build is one image in the making. Its methods are called in the order of the
// package comment, from one goroutine.
type Build struct {
	opt       Options
	dirs      directories
	work      *workdir.Dir
	staging   *image.Staging
	elements  *element.Set
	tree      *sandbox.Tree
	disk      *disk.Disk
	driver    Environment // what the driver adds to hooks' environment so far
	resources release.Stack
	timings   []Timing
	diskBytes int64
	// foreignDisk is what a hook of block-device.d said of a disk of its own.
	foreignDisk string
	kept        bool
	// lent tells that the tree has the host's resolv.conf for now.
	lent bool
	// repeats are what provisioners registered.
	repeats []repeat.Script
	attempts
}

// directories are the paths of a build. TMP_BUILD_DIR is build; elements know
// the names mnt and built below it (element contract §7.4).
type directories struct {
	build, hooks, library, elements, mount, built, image string
}

func newDirectories(work string) directories {
	build := filepath.Join(work, "build")
	return directories{
		build:    build,
		hooks:    filepath.Join(build, "hooks"),
		library:  filepath.Join(build, "lib"),
		elements: filepath.Join(build, "elements"),
		mount:    filepath.Join(build, "mnt"),
		built:    filepath.Join(build, "built"),
		image:    filepath.Join(work, "image"),
	}
}

// New makes a build of a plan. Nothing exists on the host before Prepare.
func New(opt Options) *Build {
	return &Build{opt: opt, driver: Environment{}, attempts: newAttempts()}
}

// ID is the name of the build's work directory, unique on this host.
func (b *Build) ID() string {
	if b.work == nil {
		return ""
	}
	return filepath.Base(b.work.Path())
}

// MountPath is the root of the tree in the making.
func (b *Build) MountPath() string { return b.dirs.mount }

// Timings returns how long hooks and steps took so far.
func (b *Build) Timings() []Timing { return b.timings }

// timed runs a step of the engine and notes how long it took.
func (b *Build) timed(name string, step func() error) error {
	began := time.Now()
	err := step()
	b.timings = append(b.timings, Timing{Phase: name, Took: time.Since(began)})
	return err
}

// Close releases all that is left, in reverse order. A finished build has
// nothing left.
func (b *Build) Close() error {
	return b.resources.Release()
}

// origin names the element that a merged file came from, "" if none did.
func (b *Build) origin(dir, name string) string {
	entry, _ := b.opt.Plan.Hooks.Lookup(path.Join(dir, name))
	return entry.Element
}

// source is where a merged file came from: what the user can edit is the
// element, not the merged copy. A file that a hook made has only that place.
func (b *Build) source(dir, name string) string {
	if entry, ok := b.opt.Plan.Hooks.Lookup(path.Join(dir, name)); ok {
		return entry.Source
	}
	return filepath.Join(b.dirs.hooks, dir, name)
}
