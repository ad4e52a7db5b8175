// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/release"
)

// node is a device node.
type node struct {
	name         string
	mode         uint32
	major, minor uint32
}

// standardNodes are the ones of Documentation/admin-guide/devices.txt that any
// program may expect. The console is the host's and not among them.
func standardNodes() []node {
	const open = unix.S_IFCHR | 0o666
	return []node{
		{"null", open, 1, 3}, {"zero", open, 1, 5}, {"full", open, 1, 7},
		{"random", open, 1, 8}, {"urandom", open, 1, 9}, {"tty", open, 5, 0},
	}
}

// standardLinks are names and targets, see the same place.
func standardLinks() [][2]string {
	return [][2]string{
		{"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
		{"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},
	}
}

// populateDevices fills the tmpfs on /dev.
func populateDevices(root rootDir, undo *release.Stack) error {
	dev, err := root.open("/dev", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer dev.Close()
	for _, n := range standardNodes() {
		if err := makeNode(dev, n, "/dev/"+n.name); err != nil {
			return err
		}
	}
	for _, l := range standardLinks() {
		if err := unix.Symlinkat(l[1], int(dev.Fd()), l[0]); err != nil {
			return fmt.Errorf("making the link /dev/%s: %w", l[0], err)
		}
	}
	return attach(root, mount{"devpts", "/dev/pts", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, terminalData}, undo)
}

// makeNode makes a node in an open directory. Where the kernel refuses (in a
// container), the host's own node is mounted in its place.
func makeNode(dir *os.File, n node, host string) error {
	err := unix.Mknodat(int(dir.Fd()), n.name, n.mode, int(unix.Mkdev(n.major, n.minor)))
	refused := errors.Is(err, unix.EPERM)
	if refused {
		err = unix.Mknodat(int(dir.Fd()), n.name, unix.S_IFREG|0o600, 0)
	}
	if err != nil {
		return fmt.Errorf("making the device node %s: %w", host, err)
	}
	fd, err := unix.Openat(int(dir.Fd()), n.name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("making the device node %s: %w", host, err)
	}
	f := os.NewFile(uintptr(fd), host)
	defer f.Close()
	if refused {
		_, err := mountOn(f, mount{source: host, target: host, flags: unix.MS_BIND})
		return err
	}
	if err := unix.Chmod(magic(f), n.mode&0o777); err != nil {
		return fmt.Errorf("setting the mode of %s: %w", host, err)
	}
	return nil
}

// AddDevice makes a device of this host, "/dev/loop3p1", known under the same
// name in the tree, until /dev there is unmounted. MountKernel must come first:
// in a tree's own /dev the node would become a part of the image.
func (t *Tree) AddDevice(name string) error {
	clean := path.Clean(name)
	if !strings.HasPrefix(clean, "/dev/") {
		return fmt.Errorf("adding the device %s to %s: it does not lie in /dev", name, t.root)
	}
	var st unix.Stat_t
	if err := unix.Stat(clean, &st); err != nil {
		return fmt.Errorf("adding the device %s to %s: %w", name, t.root, err)
	}
	kind := st.Mode & unix.S_IFMT
	if kind != unix.S_IFBLK && kind != unix.S_IFCHR {
		return fmt.Errorf("adding the device %s to %s: it is no device", name, t.root)
	}
	root, err := openRoot(t.root)
	if err != nil {
		return err
	}
	defer root.close()
	n := node{path.Base(clean), kind | 0o660, unix.Major(st.Rdev), unix.Minor(st.Rdev)}
	if err := addNode(root, n, clean); err != nil {
		return fmt.Errorf("adding the device %s to %s: %w", name, t.root, err)
	}
	return nil
}

func addNode(root rootDir, n node, name string) error {
	dev, err := root.open("/dev", unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer dev.Close()
	var own, above unix.Stat_t
	if err := errors.Join(unix.Fstat(int(dev.Fd()), &own), unix.Fstat(int(root.f.Fd()), &above)); err != nil {
		return err
	}
	if own.Dev == above.Dev {
		return errors.New("nothing is mounted on /dev there")
	}
	dir, err := root.mkdirAll(path.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := unix.Fstat(int(dir.Fd()), &above); err != nil {
		return err
	}
	if above.Dev != own.Dev {
		return errors.New("its directory leads out of the /dev there")
	}
	err = makeNode(dir, n, name)
	if errors.Is(err, unix.EEXIST) {
		_ = unix.Unlinkat(int(dir.Fd()), n.name, 0)
		err = makeNode(dir, n, name)
	}
	return err
}
