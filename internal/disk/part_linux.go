// SPDX-License-Identifier: MPL-2.0

//go:build linux

package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/layout"
)

// part is a file system with the part of the tree that belongs into it.
type part struct {
	fs     layout.FileSystem
	extent layout.Extent
	point  string // mount point in the image; "" if it is not mounted
	// source is the part's directory in the tree; "" when the tree has none.
	source string
	// below are the mount points under this one, relative to it, without those
	// under another of them.
	below []string
	// bytes and entries are what the source holds.
	bytes, entries int64
}

// partsOf lists the file systems in mount order, those without a mount first.
func partsOf(p *layout.Placed, tree string) ([]*part, error) {
	var parts []*part
	mounted := map[string]bool{}
	order := p.Layout.MountOrder()
	for _, m := range order {
		f, _ := p.Layout.FileSystem(m.Base)
		mounted[f.Name] = true
		q := &part{fs: f, extent: p.Extent(f.Base)}
		if f.Type != "swap" {
			q.point = m.Point
			q.below = below(m.Point, p.Layout)
			source, err := inside(tree, m.Point)
			if err != nil {
				return nil, err
			}
			q.source = source
		}
		parts = append(parts, q)
	}
	for _, f := range p.Layout.FileSystems {
		if !mounted[f.Name] {
			parts = append([]*part{{fs: f, extent: p.Extent(f.Base)}}, parts...)
		}
	}
	for _, q := range parts {
		if err := q.measure(); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// below finds the mount points directly under a mount point, relative to it.
func below(point string, l *layout.Layout) []string {
	var found []string
	for _, m := range l.MountOrder() {
		rel, ok := strings.CutPrefix(m.Point, strings.TrimSuffix(point, "/")+"/")
		if f, _ := l.FileSystem(m.Base); !ok || rel == "" || f.Type == "swap" {
			continue
		}
		under := false
		for _, other := range found {
			under = under || strings.HasPrefix(rel, other+"/")
		}
		if !under {
			found = append(found, rel)
		}
	}
	return found
}

// inside is the directory of a mount point in a tree. A symbolic link on the
// way could lead out of the tree and is refused; "" means that there is none.
func inside(tree, point string) (string, error) {
	dir := tree
	for _, name := range strings.Split(strings.Trim(path.Clean(point), "/"), "/") {
		dir = filepath.Join(dir, name)
		info, err := os.Lstat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return "", nil
		}
		if err != nil {
			return "", fmt.Errorf("looking for the mount point %s in the tree: %w", point, err)
		}
		if !info.IsDir() {
			return "", fmt.Errorf("the mount point %s cannot be used: %s is not a directory in the tree", point, dir)
		}
	}
	return dir, nil
}

// measure counts what the part will hold.
func (q *part) measure() error {
	if q.source == "" {
		return nil
	}
	return q.walk(func(_, _ string, st *syscall.Stat_t) error {
		q.entries++
		if st.Nlink <= 1 || st.Mode&unix.S_IFMT == unix.S_IFDIR {
			q.bytes += st.Blocks * 512
		}
		return nil
	})
}

// walk visits the part's entries, parents first, with their path relative to
// the source. Mount points below are visited, what is under them is not.
func (q *part) walk(visit func(from, rel string, st *syscall.Stat_t) error) error {
	skip := q.skip()
	return filepath.WalkDir(q.source, func(from string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(q.source, from)
		if err != nil {
			return err
		}
		if err := visit(from, rel, info.Sys().(*syscall.Stat_t)); err != nil {
			return err
		}
		if skip[rel] {
			return fs.SkipDir
		}
		return nil
	})
}

func (q *part) skip() map[string]bool {
	skip := map[string]bool{}
	for _, b := range q.below {
		skip[b] = true
	}
	return skip
}

// withoutBelow runs do while the contents of the mount points below are hidden
// behind empty directories that look like the originals.
func (q *part) withoutBelow(ctx context.Context, do func() error) (err error) {
	var hidden []*mount
	defer func() {
		for i := len(hidden) - 1; i >= 0; i-- {
			err = errors.Join(err, hidden[i].force())
		}
	}()
	for _, rel := range q.below {
		dir := filepath.Join(q.source, rel)
		info, err := os.Lstat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		m, err := mountAt("none", dir, "tmpfs", fmt.Sprintf("mode=%o,uid=%d,gid=%d,size=4k", st.Mode&0o7777, st.Uid, st.Gid))
		if err != nil {
			return fmt.Errorf("hiding what belongs into another file system: %w", err)
		}
		hidden = append(hidden, m)
		if err := setTimes(dir, unix.Timespec(st.Atim), unix.Timespec(st.Mtim)); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return do()
}
