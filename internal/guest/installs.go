// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// installPhase is package-installs-v2: it installs or removes the packages that
// squash has gathered for a phase, all in one transaction (element contract §4.1).
//
//	package-installs-v2 --phase PHASE [--uninstall] [-n] FILE
func installPhase(ctx context.Context, c *call) error {
	opts, err := options{
		flags: []string{"--uninstall", "--noop", "-n", "--help", "-h"}, values: []string{"--phase"},
	}.parse(c.args)
	if err != nil {
		return statusf(2, "%w", err)
	}
	if opts.has("-h") || opts.has("--help") {
		c.sayf("Usage: package-installs-v2 --phase PHASE [--uninstall] [-n] FILE")
		return nil
	}
	if !opts.has("--phase") || len(opts.operands) != 1 {
		return statusf(2, "want --phase and one file")
	}
	list, err := readPhase(opts.operands[0], opts.set["--phase"], opts.has("--uninstall"))
	if err != nil {
		return err
	}
	action, erase := "install", []string(nil)
	if opts.has("--uninstall") {
		action, erase = "uninstall", []string{"-e"}
	}
	if list == nil {
		c.sayf("Nothing to %s", action)
		return nil
	}
	noop := opts.has("--noop") || opts.has("-n")
	names, err := c.translateAll(ctx, list, action, noop)
	if err != nil {
		return err
	}
	line := append(erase, names...)
	if noop {
		c.sayf("%s", strings.Join(append([]string{"install-packages"}, line...), " "))
		return nil
	}
	return c.installPackages(ctx, line)
}

// readPhase returns what is wanted in a phase, nil when nothing is.
func readPhase(file, phase string, uninstall bool) ([]wanted, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("opening the list of packages: %w", err)
	}
	defer f.Close()
	all, err := readPackages(f)
	if err != nil {
		return nil, fmt.Errorf("reading the list of packages %s: %w", file, err)
	}
	a := all[phase]
	switch {
	case a == nil:
		return nil, nil
	case uninstall:
		return a.Uninstall, nil
	}
	return a.Install, nil
}

// translateAll maps the packages element by element and returns their union,
// sorted, each once.
func (c *call) translateAll(ctx context.Context, list []wanted, action string, noop bool) ([]string, error) {
	byElement := map[string][]string{}
	var order []string
	for _, w := range list {
		if byElement[w.Element] == nil {
			order = append(order, w.Element)
		}
		byElement[w.Element] = append(byElement[w.Element], w.Package)
	}
	var all []string
	for _, element := range order {
		names := byElement[element]
		c.sayf("Map %s for %s: %s", action, element, strings.Join(names, ", "))
		mapped, err := c.mapElement(ctx, element, names)
		if err != nil && noop {
			mapped = names
		} else if err != nil {
			return nil, fmt.Errorf("pkg-map failed for the element %s: %w", element, err)
		}
		all = append(all, words(mapped)...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// mapElement asks the target's pkg-map when an element has brought its own, and
// does the work itself when that is this binary or nothing.
func (c *call) mapElement(ctx context.Context, element string, names []string) ([]string, error) {
	tool, err := command.LookPath("pkg-map", c.getenv("PATH", ""))
	if err != nil || c.isSelf(tool) {
		return c.translate(query{
			element: element, missingOK: true,
			distro: c.getenv("DISTRO_NAME", ""), release: c.getenv("DIB_RELEASE", ""),
		}, names)
	}
	out, err := c.output(ctx, tool, append([]string{"--prefix", "-", "--missing-ok", "--element", element}, names...)...)
	var exit *command.ExitError
	if errors.As(err, &exit) && exit.Status == 2 {
		return names, nil // no map for this element
	}
	var mapped []string
	for line := range strings.Lines(out) {
		// The prefix tells names from what the tool logs.
		if name, ok := strings.CutPrefix(line, "-"); ok {
			mapped = append(mapped, name)
		}
	}
	return mapped, err
}

// isSelf says whether a program is this very binary. Without a /proc it is the
// file that was called.
func (c *call) isSelf(file string) bool {
	self, err := os.Executable()
	if err != nil {
		self = c.self()
	}
	a, errA := os.Stat(self)
	b, errB := os.Stat(file)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// installPackages calls the install-packages of the target's package manager.
func (c *call) installPackages(ctx context.Context, args []string) error {
	c.sayf("Running command: %s", command.Command{Path: "install-packages", Args: args})
	err := c.run(ctx, "install-packages", args...)
	var exit *command.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("install-packages failed with returncode %d", exit.Status)
	}
	return err
}

// legacyInstalls is package-installs -d DIR: the lists package-installs-ELEMENT
// of a phase's directory, a package per line. A leading "-" marks packages that
// only this phase needs: they are installed here and removed at its end.
func legacyInstalls(ctx context.Context, c *call) error {
	names, err := c.legacyLists(ctx, func(line string) (string, bool) {
		return strings.TrimPrefix(line, "-"), true
	})
	if err != nil || len(names) == 0 {
		return err
	}
	return c.passStatus(c.run(ctx, "install-packages", names...))
}

// legacyUninstalls is package-uninstalls -d DIR: it removes the packages marked
// with "-" in those lists.
func legacyUninstalls(ctx context.Context, c *call) error {
	names, err := c.legacyLists(ctx, func(line string) (string, bool) {
		return strings.CutPrefix(line, "-")
	})
	if err != nil || len(names) == 0 {
		return err
	}
	return c.passStatus(c.run(ctx, "install-packages", append([]string{"-e"}, names...)...))
}

// passStatus makes the status of a failed program the helper's own.
func (c *call) passStatus(err error) error {
	var exit *command.ExitError
	if errors.As(err, &exit) {
		return statusf(exit.Status, "install-packages failed with returncode %d", exit.Status)
	}
	return err
}

// legacyLists reads the lists in the directory of -d, by name, and returns the
// packages that pick takes from their lines, in order and each once.
func (c *call) legacyLists(ctx context.Context, pick func(line string) (string, bool)) ([]string, error) {
	opts, err := options{flags: []string{"-h"}, values: []string{"-d"}}.parse(c.args)
	if err != nil {
		return nil, err
	}
	if opts.has("-h") || opts.set["-d"] == "" {
		return nil, fmt.Errorf("usage: %s -d DIRECTORY (with package-installs-ELEMENT files)", c.name())
	}
	files, err := filepath.Glob(filepath.Join(opts.set["-d"], "package-installs-*"))
	if err != nil {
		return nil, err
	}
	var all []string
	for _, file := range files {
		element := strings.TrimPrefix(filepath.Base(file), "package-installs-")
		names, err := c.legacyList(ctx, file, element, pick)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all, nil
}

func (c *call) legacyList(ctx context.Context, file, element string, pick func(line string) (string, bool)) ([]string, error) {
	doc, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	mapped, err := exists(c.path(pkgMapDir, element))
	if err != nil {
		return nil, err
	}
	var all []string
	for _, line := range listLines(string(doc)) {
		name, ok := pick(line)
		if !ok {
			continue
		}
		names := strings.Fields(name)
		if mapped {
			// A name the map does not know is taken as it is.
			if names, err = c.mapElement(ctx, element, names); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
		}
		all = append(all, words(names)...)
	}
	return all, nil
}

// listLines returns the lines of a legacy list without blanks, comments and
// empty lines.
func listLines(doc string) []string {
	var lines []string
	for line := range strings.Lines(doc) {
		line = strings.TrimSpace(line)
		if line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	return lines
}
