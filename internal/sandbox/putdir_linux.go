// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// PutDir copies a directory of this host into the tree. As with rsync, "src/"
// means its contents, "src" the directory itself, which becomes dst/src.
//
// Everything below is copied, hidden files and empty directories too, with its
// permissions (directories that exist keep theirs), owned by root. Symbolic
// links in src are followed, as scp does. See excludes for exclude. What cannot
// be copied (a device, a link to nothing) is left out, and named in the error
// after all else was copied.
func (g *Guest) PutDir(dst, src string, exclude []string) error {
	if err := g.putDir(dst, src, exclude); err != nil {
		return fmt.Errorf("uploading %s to %s in %s: %w", src, dst, g.tree.root, err)
	}
	return nil
}

func (g *Guest) putDir(dst, src string, exclude []string) error {
	skip, err := newExcludes(exclude)
	if err != nil {
		return err
	}
	info, err := os.Stat(src)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return errors.New("it is not a directory")
	}
	dst = g.path(dst) + "/" + ownName(src)
	root, err := openRoot(g.tree.root)
	if err != nil {
		return err
	}
	defer root.close()
	u := &upload{root: root, skip: skip}
	u.dir(entry{host: filepath.Clean(src), guest: dst, info: info})
	return errors.Join(u.errs...)
}

// ownName is the name that the copy of a directory gets: "" if src stands for
// its contents, as in rsync: "src/", "src/.", "..".
func ownName(src string) string {
	base := src[strings.LastIndexByte(src, '/')+1:]
	if base == "." || base == ".." {
		return ""
	}
	return base
}

// upload is one run of PutDir.
type upload struct {
	root rootDir
	skip excludes
	errs []error
}

// entry is something to copy.
type entry struct {
	host, guest string // paths here and there
	name        string // the path from the top of the copy, "" there
	info        fs.FileInfo
	above       []fs.FileInfo // the directories that lead here
}

func (u *upload) dir(e entry) {
	for _, a := range e.above {
		if os.SameFile(a, e.info) {
			u.errs = append(u.errs, fmt.Errorf("%s is a link to a directory above it", e.host))
			return
		}
	}
	if err := u.makeDir(e); err != nil {
		u.errs = append(u.errs, err)
		return
	}
	children, err := os.ReadDir(e.host)
	if err != nil {
		u.errs = append(u.errs, err)
	}
	for _, c := range children {
		u.child(e, c.Name())
	}
}

func (u *upload) child(parent entry, base string) {
	e := entry{
		host: filepath.Join(parent.host, base), guest: joinPath(parent.guest, base),
		name: joinName(parent.name, base), above: append(parent.above[:len(parent.above):len(parent.above)], parent.info),
	}
	if u.skip.match(e.name) {
		return
	}
	var err error
	if e.info, err = os.Stat(e.host); err != nil {
		u.errs = append(u.errs, err)
		return
	}
	switch {
	case e.info.IsDir():
		u.dir(e)
	case e.info.Mode().IsRegular():
		err = u.file(e)
	default:
		err = fmt.Errorf("%s is %w", e.host, errNotRegular)
	}
	if err != nil {
		u.errs = append(u.errs, err)
	}
}

// makeDir makes the directory, and if it is new gives it the permissions of
// its model.
func (u *upload) makeDir(e entry) error {
	var made []string
	root := u.root
	root.made = &made
	dir, err := root.mkdirAll(e.guest)
	if err != nil {
		return err
	}
	defer dir.Close()
	if len(made) == 0 {
		return nil
	}
	if err := unix.Chmod(magic(dir), uint32(e.info.Mode().Perm())); err != nil {
		return &fs.PathError{Op: "chmod", Path: e.guest, Err: err}
	}
	return nil
}

func (u *upload) file(e entry) error {
	f, err := os.Open(e.host)
	if err != nil {
		return err
	}
	defer f.Close()
	return put(u.root, e.guest, f, e.info)
}
