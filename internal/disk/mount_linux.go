// SPDX-License-Identifier: MPL-2.0

//go:build linux

package disk

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// mount is a mount made here.
type mount struct {
	point string
	gone  bool
}

// mountAt mounts a device without touching access times.
func mountAt(source, point, fsType, options string) (*mount, error) {
	if err := unix.Mount(source, point, fsType, unix.MS_NOATIME, options); err != nil {
		return nil, fmt.Errorf("mounting %s (%s) at %s: %w", source, fsType, point, err)
	}
	return &mount{point: point}, nil
}

// flush writes out what the file system holds back. A kernel from 5.8 on tells
// of everything that could not be written since the mount.
func (m *mount) flush() error {
	if m.gone {
		return nil
	}
	fd, err := unix.Open(m.point, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("flushing %s: %w", m.point, err)
	}
	err = unix.Syncfs(fd)
	if err == nil {
		m.trim(fd)
	}
	if err = errors.Join(err, unix.Close(fd)); err != nil {
		return fmt.Errorf("writing the files of %s into the raw image: %w; some of them are lost", m.point, err)
	}
	return nil
}

// fitrim is FITRIM of linux/fs.h on the architectures that the plugin is made for.
const fitrim = 0xc0185879

// trim takes the content of deleted files out of the raw file: what hooks have removed
// again, a proxy's password for one, would otherwise be there for whoever looks. A file
// system or a host that knows nothing of it costs no more than that (element contract
// §11, quirk 23).
func (m *mount) trim(fd int) {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err == nil && fs.Type == unix.XFS_SUPER_MAGIC {
		// xfs gives blocks of deleted files back some time later, and when it stops writing.
		_ = unix.Mount("", m.point, "", unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOATIME, "")
	}
	all := struct{ start, length, least uint64 }{length: math.MaxUint64}
	_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(fd), fitrim, uintptr(unsafe.Pointer(&all)))
}

// unmount waits for users to go away, for as long as patience says, and then
// names those that did not.
func (m *mount) unmount(ctx context.Context, patience time.Duration) error {
	for deadline := time.Now().Add(patience); !m.gone; {
		err := unix.Unmount(m.point, unix.UMOUNT_NOFOLLOW)
		switch {
		case err == nil:
			m.gone = true
		case !errors.Is(err, unix.EBUSY):
			return fmt.Errorf("unmounting %s: %w", m.point, err)
		case time.Now().After(deadline):
			return fmt.Errorf("unmounting %s: %w after %s%s", m.point, err, patience, mountHolders(m.point))
		default:
			if err := command.Pause(ctx, pause); err != nil {
				return fmt.Errorf("unmounting %s: %w", m.point, err)
			}
		}
	}
	return nil
}

// force takes the mount out of the tree even if it is in use.
func (m *mount) force() error {
	if m.gone {
		return nil
	}
	if err := unix.Unmount(m.point, unix.UMOUNT_NOFOLLOW); err == nil {
		m.gone = true
		return nil
	}
	if err := unix.Unmount(m.point, unix.UMOUNT_NOFOLLOW|unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmounting %s by force: %w", m.point, err)
	}
	m.gone = true
	return nil
}

// mountHolders tells who keeps a mount busy: mounts below it, and processes.
func mountHolders(point string) string {
	var who []string
	if text, err := os.ReadFile("/proc/self/mountinfo"); err == nil {
		for _, line := range strings.Split(string(text), "\n") {
			if f := strings.Fields(line); len(f) > 4 && strings.HasPrefix(f[4], point+"/") {
				who = append(who, "a mount at "+f[4])
			}
		}
	}
	var st unix.Stat_t
	if unix.Stat(point, &st) == nil {
		who = append(who, processes(func(path string) bool {
			var at unix.Stat_t
			return unix.Stat(path, &at) == nil && at.Dev == st.Dev
		})...)
	}
	return held(who)
}

// deviceHolders tells who keeps a block device busy.
func deviceHolders(name string) string {
	var who []string
	if text, err := os.ReadFile("/proc/self/mountinfo"); err == nil {
		for _, line := range strings.Split(string(text), "\n") {
			if _, source, ok := strings.Cut(line, " - "); ok && strings.Contains(source+" ", "/dev/"+name+" ") {
				who = append(who, "a mount at "+strings.Fields(line)[4])
			}
		}
	}
	return held(append(who, processes(func(path string) bool {
		target, err := os.Readlink(path)
		return err == nil && (target == "/dev/"+name || strings.HasPrefix(target, "/dev/"+name+"p"))
	})...))
}

// held puts a list of users into words.
func held(who []string) string {
	const most = 8
	if len(who) == 0 {
		return " (no user of it is to be seen from here)"
	}
	if len(who) > most {
		who = append(who[:most], fmt.Sprintf("and %d more", len(who)-most))
	}
	return ": in use by " + strings.Join(who, ", ")
}

// processes lists those that have a working directory, root, program or open
// file for which match holds.
func processes(match func(path string) bool) []string {
	var found []string
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		links, _ := filepath.Glob(dir + "/fd/*")
		for _, link := range append([]string{dir + "/cwd", dir + "/root", dir + "/exe"}, links...) {
			if !match(link) {
				continue
			}
			name, _ := os.ReadFile(dir + "/comm")
			target, _ := os.Readlink(link)
			found = append(found, fmt.Sprintf("process %s %q (%s %s)", filepath.Base(dir),
				strings.TrimSpace(string(name)), strings.TrimPrefix(link, dir+"/"), target))
			break
		}
	}
	return found
}
