// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/workdir"
)

const (
	// busyTime is how long a busy mount is tried again.
	busyTime = 5 * time.Second
	// maxNamed bounds how many processes an error names.
	maxNamed = 5
)

// Kill ends every process that has its root, working directory, program, a
// mapping or an open file in the tree, and waits until they are gone (at most
// 10 s). This process and its ancestors are spared.
func (t *Tree) Kill(ctx context.Context) error {
	here, err := t.territory()
	if err != nil {
		return err
	}
	return here.kill(ctx)
}

// territory is the tree with the links in its own path resolved, as the kernel
// shows paths.
func (t *Tree) territory() (territory, error) {
	real, err := filepath.EvalSymlinks(t.root)
	if err != nil {
		return territory{}, fmt.Errorf("looking at the tree %s: %w", t.root, err)
	}
	if real == "/" {
		return territory{}, fmt.Errorf("the tree %s is the root of this host", t.root)
	}
	return territory{dir: real}, nil
}

// Unmount kills what runs in the tree and unmounts everything at or below its
// root, whoever mounted it, except what Keep named. It never unmounts lazily:
// if something stays busy the error names it and who uses it.
func (t *Tree) Unmount(ctx context.Context) error {
	here, err := t.territory()
	if err != nil {
		return err
	}
	if err := here.kill(ctx); err != nil {
		return err
	}
	if err := t.unmountAll(ctx, here.dir, false); err != nil {
		return fmt.Errorf("unmounting what is below %s: %w", t.root, err)
	}
	if err := t.unmakePoints(""); err != nil {
		return err
	}
	if err := t.unmountAll(ctx, here.dir, true); err != nil {
		return fmt.Errorf("unmounting %s: %w", t.root, err)
	}
	return nil
}

// unmountAll unmounts, last mounted first, what is below the root or, then,
// what is on it.
func (t *Tree) unmountAll(ctx context.Context, root string, atRoot bool) error {
	for previous := -1; ; {
		all, err := workdir.MountsBelow(root)
		if err != nil {
			return err
		}
		points := t.unkept(all, root, atRoot)
		if len(points) == 0 {
			return nil
		}
		if len(points) == previous {
			return fmt.Errorf("%w: %s; it is there again after it was unmounted", workdir.ErrMounted, strings.Join(points, ", "))
		}
		previous = len(points)
		for _, point := range points {
			if err := t.unmountPoint(ctx, point); err != nil {
				return err
			}
		}
	}
}

// unkept lists mount points in the order in which to unmount them.
func (t *Tree) unkept(mounts []workdir.Mount, root string, atRoot bool) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var points []string
	for _, m := range slices.Backward(mounts) {
		kept := slices.ContainsFunc(t.keep, func(k string) bool { return filepath.Join(root, k) == m.Point })
		if !kept && (m.Point == root) == atRoot {
			points = append(points, m.Point)
		}
	}
	return points
}

// unmountPoint unmounts the topmost mount on a path of this host. While it is
// busy, what runs in the tree is killed.
func (t *Tree) unmountPoint(ctx context.Context, point string) error {
	deadline := time.Now().Add(busyTime)
	for wait := firstPause; ; wait = min(2*wait, lastPause) {
		err := unix.Unmount(point, unix.UMOUNT_NOFOLLOW)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOENT):
			// Not mounted any more, or hidden by another mount that is to
			// go as well: the caller looks again.
			return nil
		case !errors.Is(err, unix.EBUSY):
			return fmt.Errorf("unmounting %s: %w", point, err)
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return fmt.Errorf("unmounting %s: %w: %s", point, err, usersOf(point))
		}
		if err := t.Kill(ctx); err != nil {
			return errors.Join(fmt.Errorf("unmounting %s: busy", point), err)
		}
		_ = command.Pause(ctx, wait)
	}
}

// usersOf says who uses a mount.
func usersOf(point string) string {
	uses, err := territory{dir: point}.users()
	if err != nil || len(uses) == 0 {
		return "no process that can be seen uses it; end what reaches it through /proc or from another namespace"
	}
	var names []string
	for _, u := range uses[:min(len(uses), maxNamed)] {
		names = append(names, u.String())
	}
	if more := len(uses) - maxNamed; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}
