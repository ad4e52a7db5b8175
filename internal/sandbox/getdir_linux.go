// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// GetDir copies a directory of the tree to this host. As with rsync, "src/"
// means its contents, "src" the directory itself, which becomes dst/src. A src
// with the characters *?[ that is not itself a path of the tree is a pattern:
// each match, file or directory, is copied into dst. dst is made if missing.
//
// Links are followed inside the tree, so what arrives are files and directories
// only, none of which can lie outside of dst; their permissions arrive too, but
// not owners nor set-id bits. What cannot be copied (a device, a link to
// nothing, a loop) is left out, and named in the error after all else was
// copied. See excludes for exclude. A missing src is an fs.ErrNotExist.
func (g *Guest) GetDir(src, dst string, exclude []string) error {
	if err := g.getDir(src, dst, exclude); err != nil {
		return fmt.Errorf("downloading %s from %s to %s: %w", src, g.tree.root, dst, err)
	}
	return nil
}

func (g *Guest) getDir(src, dst string, exclude []string) error {
	skip, err := newExcludes(exclude)
	if err != nil {
		return err
	}
	root, err := openRoot(g.tree.root)
	if err != nil {
		return err
	}
	defer root.close()
	sources, err := root.sources(g.path(src))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dst, 0o755); err != nil {
		return err
	}
	host, err := os.OpenRoot(dst)
	if err != nil {
		return err
	}
	defer host.Close()
	d := &download{root: root, host: host, skip: skip}
	for _, s := range sources {
		d.top(s)
	}
	return errors.Join(d.errs...)
}

// sources are the paths that src stands for.
func (r rootDir) sources(src string) ([]string, error) {
	f, info, err := r.look(src)
	if err == nil {
		if !info.IsDir() {
			err = errors.New("it is not a directory")
		}
		return []string{src}, errors.Join(err, f.Close())
	}
	if !errors.Is(err, fs.ErrNotExist) || !strings.ContainsAny(src, "*?[") {
		return nil, err
	}
	found, globErr := r.glob(src)
	if globErr != nil {
		return nil, globErr
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("nothing matches: %w", fs.ErrNotExist)
	}
	return found, nil
}

// download is one run of GetDir.
type download struct {
	root rootDir
	host *os.Root
	skip excludes
	errs []error
}

func (d *download) fail(err error) { d.errs = append(d.errs, err) }

// top copies one source. Its own name does not count for excludes.
func (d *download) top(src string) {
	d.copy(entry{guest: src, host: path.Join(".", ownName(src))})
}

func (d *download) copy(e entry) {
	f, info, err := d.root.look(e.guest)
	if err != nil {
		d.fail(err)
		return
	}
	defer f.Close()
	e.info = info
	switch {
	case info.IsDir():
		d.dir(e, f)
	case info.Mode().IsRegular():
		if err := d.file(e, f); err != nil {
			d.fail(err)
		}
	default:
		d.fail(fmt.Errorf("%s is %w", e.guest, errNotRegular))
	}
}

func (d *download) dir(e entry, f *os.File) {
	for _, a := range e.above {
		if os.SameFile(a, e.info) {
			d.fail(fmt.Errorf("%s is a link to a directory above it", e.guest))
			return
		}
	}
	err := d.host.Mkdir(e.host, 0o700)
	made := err == nil
	if err != nil && !errors.Is(err, fs.ErrExist) {
		d.fail(err)
		return
	}
	names, err := readNames(f)
	if err != nil {
		d.fail(err)
	}
	for _, base := range names {
		name := joinName(e.name, base)
		if !d.skip.match(name) {
			d.copy(entry{
				guest: joinPath(e.guest, base), host: path.Join(e.host, base), name: name,
				above: append(e.above[:len(e.above):len(e.above)], e.info),
			})
		}
	}
	if made {
		if err := d.host.Chmod(e.host, e.info.Mode().Perm()); err != nil {
			d.fail(err)
		}
	}
}

func (d *download) file(e entry, f *os.File) error {
	w, err := d.host.OpenFile(e.host, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(read(f, e.info, w), w.Chmod(e.info.Mode().Perm()))
	return errors.Join(err, w.Close())
}
