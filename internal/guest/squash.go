// SPDX-License-Identifier: MPL-2.0

package guest

import (
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
	doc, err := c.squashed(sources)
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
	doc, err := c.squashed(sources)
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

// squashed reads the lists of the sources, and of them alone: upstream would read
// those of copies further down the path as well (quirk 19). What can be said of the
// lists by themselves CheckPackages has said before the build.
func (c *call) squashed(sources []source) ([]byte, error) {
	k := &collector{c: c, packages: packages{}, compat: c.getenv("DIB_COMPAT", "0") != "0"}
	for _, s := range sources {
		for _, name := range installFiles {
			if err := k.squashFile(s, filepath.Join(s.dir, name)); err != nil {
				return nil, err
			}
		}
	}
	for _, conflict := range conflicts(k.requests, true) {
		c.warnf("%s", conflict)
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
