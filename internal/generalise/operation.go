// SPDX-License-Identifier: MPL-2.0

//go:generate go test -run TestPage -update .

// Package generalise makes a machine into a template of which many can be made:
// what identifies this one, what it has written down of its life, and what an
// installer or cloud-init left on it go.
//
// The catalogue is data: an Operation is a name, a description and a few
// Actions on paths. Script turns the chosen ones into one script for any POSIX
// shell, which needs no other program than rm and starts it seldom. It runs as
// root in the tree of an image or on a live machine. It is idempotent, and with
// DryRun it changes nothing and says what would go.
//
// It never follows a symbolic link: a link that is named goes itself, and what
// lies in a directory that is reached through one is left alone and said. Mount
// points and what is mounted below an entry are left alone as well.
package generalise

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
)

// Family is a family of distributions.
type Family string

// Families whose places the catalogue knows.
const (
	Debian Family = "Debian"
	RHEL   Family = "RHEL"
	SUSE   Family = "SUSE"
)

// Families lists all of them.
func Families() []Family { return []Family{Debian, RHEL, SUSE} }

// Verb is what an Action does; the script has a function for each.
type Verb string

const (
	// Remove removes what matches in a directory: files, links, whole directories.
	Remove Verb = "gone"
	// Truncate empties the files that match in a directory; mode and owner stay.
	Truncate Verb = "blank"
	// RemoveBelow removes files that match in a directory and all below it;
	// directories stay.
	RemoveBelow Verb = "gone_below"
	// EmptyLogs empties all files below a directory and removes rotated ones;
	// directories stay. Names are entries of the directory that are spared.
	EmptyLogs Verb = "logs"
	// RemoveAtHome removes paths in the home directory of every user.
	RemoveAtHome Verb = "home"
	// RemoveGenerated removes files that match and whose first line says that
	// cloud-init made them.
	RemoveGenerated Verb = "generated"
	// DropLines takes lines that match out of a file. Names are the file's
	// pattern first and then those of the lines.
	DropLines Verb = "lines"
	// Special is a function of the script of its own, whose name is in Names;
	// Dir and Text say in the documentation what it does.
	Special Verb = "special"
)

// Action is a thing that an operation does.
type Action struct {
	Verb Verb
	// Dir is an absolute path without patterns; empty for RemoveAtHome.
	Dir string
	// Names are patterns of the shell for entries of Dir. A leading "*" does not
	// match names that begin with a dot, except for RemoveBelow.
	Names []string
	// Text documents a Special.
	Text string
}

// Operation is what can be chosen by name.
type Operation struct {
	Name string
	// What is removed and what it is, in a line.
	What string
	// Default tells whether it belongs to `generalise = true`, Why the reason.
	Default bool
	Why     string
	// Families where the paths are found.
	Families []Family
	Actions  []Action
	// Live says what is different on a running machine.
	Live string
}

// Catalogue is every operation, in the order in which they run.
func Catalogue() []Operation {
	return slices.Concat(identity(), hardware(), network(), cloudInit(), installers(), traces(), packages(), accounts(), services(), caches())
}

// Names of groups that can stand for names of operations.
const (
	All      = "all"
	Defaults = "default"
)

// Select chooses operations by name: "default" and "all" stand for many, a name
// with a hyphen in front is taken away. Only names to take away mean the default
// set without them. The result has the order of the catalogue.
func Select(names []string) ([]Operation, error) {
	chosen := map[string]bool{}
	if !slices.ContainsFunc(names, func(n string) bool { return !strings.HasPrefix(n, "-") }) && len(names) > 0 {
		names = append([]string{Defaults}, names...)
	}
	known := []string{All, Defaults}
	for _, op := range Catalogue() {
		known = append(known, op.Name)
	}
	for _, given := range names {
		name, away := strings.CutPrefix(given, "-")
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("there is no operation %q%s; docs/generalise.md lists all", name, nearest.Hint(name, known))
		}
		for _, op := range Catalogue() {
			if name == All || name == Defaults && op.Default || name == op.Name {
				chosen[op.Name] = !away
			}
		}
	}
	ops := slices.DeleteFunc(Catalogue(), func(op Operation) bool { return !chosen[op.Name] })
	if len(ops) == 0 && len(names) > 0 {
		return nil, fmt.Errorf("%s leaves no operation", strings.Join(names, ", "))
	}
	return ops, nil
}
