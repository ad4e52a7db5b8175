// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
)

// pkgMapDir holds the pkg-map files of the build's elements in an image.
const pkgMapDir = "/usr/share/pkg-map"

// pkgMap is pkg-map: it prints what packages are called in the target's
// distribution, one result per line (element contract §1.6 and §4.2).
//
//	pkg-map {--element E | --pkg-map FILE} [--distro D] [--release R]
//	        [--missing-ok] [--prefix P] [--debug] NAME…
//
// Status 1 for wrong arguments or a name without a mapping, 2 without a map file.
// Unknown options are names.
func pkgMap(_ context.Context, c *call) error {
	opts, err := options{
		flags:   []string{"--missing-ok", "--debug", "--help", "-h"},
		values:  []string{"--element", "--pkg-map", "--distro", "--release", "--prefix"},
		lenient: true,
	}.parse(c.args)
	if err != nil {
		return err
	}
	if opts.has("-h") || opts.has("--help") {
		c.sayf("Usage: pkg-map --element ELEMENT [--distro DISTRO] [--release RELEASE] [--missing-ok] [--prefix TEXT] [--debug] NAME…")
		return nil
	}
	q := query{
		element: opts.set["--element"], file: opts.set["--pkg-map"], missingOK: opts.has("--missing-ok"),
		distro: c.getenv("DISTRO_NAME", ""), release: c.getenv("DIB_RELEASE", ""),
	}
	if opts.has("--distro") {
		q.distro = opts.set["--distro"]
	}
	if opts.has("--release") {
		q.release = opts.set["--release"]
	}
	mapped, err := c.translate(q, opts.operands)
	if opts.has("--debug") {
		fmt.Fprintf(c.stderr, "pkg-map: %s: %q -> %q\n", q.label(), opts.operands, mapped)
	}
	for _, name := range mapped {
		c.sayf("%s%s", opts.set["--prefix"], name)
	}
	return err
}

// query asks for names in one element's map.
type query struct {
	element, file   string // one of the two
	distro, release string
	missingOK       bool
}

func (q query) label() string {
	if q.file != "" {
		return "<" + q.file + ">"
	}
	return q.element
}

// translate answers a query. Its errors carry the exit status of pkg-map.
func (c *call) translate(q query, names []string) ([]string, error) {
	switch {
	case q.element == "" && q.file == "":
		return nil, errors.New("please specify an --element argument")
	case q.element != "" && q.file != "":
		return nil, errors.New("specify either --element or --pkg-map")
	case q.distro == "":
		return nil, errors.New("please specify a --distro argument or set DISTRO_NAME")
	}
	file := q.file
	if file == "" {
		file = c.path(pkgMapDir, q.element)
	}
	doc, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		if q.missingOK {
			return names, nil
		}
		return nil, statusf(2, "the required pkg-map for the element %s does not exist: %w", q.label(), err)
	}
	if err != nil {
		return nil, err
	}
	m, err := parseNameMap(doc)
	if err != nil {
		return nil, fmt.Errorf("unable to parse %s: %w", file, err)
	}
	return mapNames(m.names(q.distro, q.release), q.label(), names, q.missingOK)
}

// pkgMapInstall is pkg-map-install: it checks the pkg-map files of the build's
// elements and puts them into the image, where they stay.
func pkgMapInstall(_ context.Context, c *call) error {
	sources, err := c.elements()
	if err != nil {
		return err
	}
	img, err := c.openImage()
	if err != nil {
		return err
	}
	defer img.Close()
	if err := img.mkdir(pkgMapDir); err != nil {
		return err
	}
	for _, s := range sources {
		if err := c.installNameMap(img, s); err != nil {
			return fmt.Errorf("element %s: %w", s.name, err)
		}
	}
	return nil
}

func (c *call) installNameMap(img *image, s source) error {
	file := filepath.Join(s.dir, "pkg-map")
	info, err := os.Stat(file)
	if errors.Is(err, os.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil
	}
	if err != nil {
		return err
	}
	doc, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if _, err := parseNameMap(doc); err != nil {
		return fmt.Errorf("%s is not a valid package map: %w", file, err)
	}
	c.sayf("Copying pkg-map for %s", s.name)
	return img.write(path.Join(pkgMapDir, s.name), doc, 0o644)
}
