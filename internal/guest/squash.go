// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// installFiles are the names of an element's package list, in reading order.
var installFiles = [...]string{"package-installs.json", "package-installs.yaml"}

// squash is package-installs-squash: it gathers the package lists of all elements
// of the build into one file for the phases (element contract §4.1).
//
//	package-installs-squash --elements "A B" --path DIR:DIR OUT
//	package-installs-squash       all from the environment, OUT in the image
//
// With DIB_COMPAT=1 in the environment quirk 18 of the contract is back.
func squash(_ context.Context, c *call) error {
	opts, err := options{flags: []string{"-h", "--help"}, values: []string{"--elements", "--path"}}.parse(c.args)
	if err != nil {
		return statusf(2, "%w", err)
	}
	if opts.has("-h") || opts.has("--help") {
		c.sayf("Usage: package-installs-squash [--elements \"NAME …\" --path DIR:… OUT]")
		return nil
	}
	if len(c.args) == 0 {
		return c.squashBuild()
	}
	if !opts.has("--elements") || !opts.has("--path") || len(opts.operands) != 1 {
		return statusf(2, "want --elements, --path and one output file, or no arguments at all")
	}
	sources, err := c.search(strings.Fields(opts.set["--elements"]), opts.set["--path"])
	if err != nil {
		return err
	}
	doc, err := c.squashed(sources, opts.set["--path"])
	if err != nil {
		return err
	}
	return os.WriteFile(opts.operands[0], doc, 0o644)
}

// squashBuild squashes the elements of the build into the image.
func (c *call) squashBuild() error {
	sources, err := c.elements()
	if err != nil {
		return err
	}
	doc, err := c.squashed(sources, c.getenv("ELEMENTS_PATH", ""))
	if err != nil {
		return err
	}
	img, err := c.openImage()
	if err != nil {
		return err
	}
	defer img.Close()
	return img.write(packagesFile, doc, 0o644)
}

// squashed reads the lists of the sources; path is only looked at to warn of
// lists that upstream would read as well (quirk 19).
func (c *call) squashed(sources []source, path string) ([]byte, error) {
	k := &collector{c: c, packages: packages{}, compat: c.getenv("DIB_COMPAT", "0") != "0"}
	for _, s := range sources {
		c.warnShadowed(s, path)
		for _, name := range installFiles {
			if err := k.squashFile(s, filepath.Join(s.dir, name)); err != nil {
				return nil, err
			}
		}
	}
	return k.packages.encode()
}

func (k *collector) squashFile(s source, file string) error {
	if there, err := exists(file); err != nil || !there {
		return err
	}
	k.c.sayf("Squashing install file: %s", file)
	k.element, k.file = s.name, file
	doc, err := readValue(file)
	if err != nil {
		return fmt.Errorf("element %s: reading its packages: %w", s.name, err)
	}
	if err := k.collect(doc); err != nil {
		return fmt.Errorf("element %s: %s: %w", s.name, file, err)
	}
	return nil
}

// warnShadowed tells of package lists in copies of the element that lost, unless
// they say the same.
func (c *call) warnShadowed(s source, path string) {
	winner, err := filepath.EvalSymlinks(s.dir)
	if err != nil {
		return // reading the winner's list says more
	}
	for _, dir := range occurrences(s.name, path) {
		if real, err := filepath.EvalSymlinks(dir); err != nil || real == winner {
			continue
		}
		for _, name := range installFiles {
			lost, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				continue
			}
			if won, err := os.ReadFile(filepath.Join(s.dir, name)); err == nil && bytes.Equal(won, lost) {
				continue
			}
			c.warnf("element %s: %s is not read because %s comes first on the path; diskimage-builder reads both",
				s.name, filepath.Join(dir, name), s.dir)
		}
	}
}
