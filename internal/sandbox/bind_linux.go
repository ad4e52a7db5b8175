// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Bind shows a file or directory of this host at target in the tree, without
// what is mounted below it. The mount point is made if it is missing, and then
// removed by Unbind or Unmount.
func (t *Tree) Bind(ctx context.Context, source, target string, readOnly bool) error {
	if err := t.bind(ctx, source, target, readOnly); err != nil {
		return fmt.Errorf("mounting %s on %s in %s: %w", source, target, t.root, err)
	}
	return nil
}

func (t *Tree) bind(ctx context.Context, source, target string, readOnly bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if err := t.mountAt(mount{source: source, target: target, flags: unix.MS_BIND}, !info.IsDir()); err != nil {
		return err
	}
	if !readOnly {
		return nil
	}
	root, err := openRoot(t.root)
	if err == nil {
		defer root.close()
		err = remountReadOnly(root, target)
	}
	if err != nil {
		return errors.Join(err, t.Unbind(context.WithoutCancel(ctx), target))
	}
	return nil
}

// mountAt mounts m on a file or a directory, which is made if missing.
func (t *Tree) mountAt(m mount, file bool) error {
	root, err := openRoot(t.root)
	if err != nil {
		return err
	}
	defer root.close()
	var made []string
	root.made = &made
	err = makePoint(root, m.target, file)
	if len(made) > 0 {
		t.mu.Lock()
		t.made[m.target] = append(t.made[m.target], made...)
		t.mu.Unlock()
	}
	if err != nil {
		return err
	}
	point, err := root.open(m.target, unix.O_PATH)
	if err != nil {
		return err
	}
	defer point.Close()
	_, err = mountOn(point, m)
	return err
}

// Unbind undoes Bind. What still uses the mount is killed (see Kill) if it does
// not let go.
func (t *Tree) Unbind(ctx context.Context, target string) error {
	path, err := t.hostPath(target)
	if err == nil {
		err = t.unmountPoint(ctx, path)
	}
	if err == nil {
		err = t.unmakePoints(target)
	}
	if err != nil {
		return fmt.Errorf("unmounting %s in %s: %w", target, t.root, err)
	}
	return nil
}

// hostPath is the path on this host that a path of the tree leads to.
func (t *Tree) hostPath(target string) (string, error) {
	root, err := openRoot(t.root)
	if err != nil {
		return "", err
	}
	defer root.close()
	point, err := root.open(target, unix.O_PATH)
	if err != nil {
		return "", err
	}
	defer point.Close() // before it is unmounted: an open file keeps it busy
	return os.Readlink(magic(point))
}
