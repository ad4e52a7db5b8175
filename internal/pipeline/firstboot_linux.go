// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/hook"
)

// What first-boot.d leaves in an image: the scripts, their order, the program
// that runs them, and the unit that starts it.
const (
	firstBootLib  = "usr/lib/diskimage"
	firstBootUnit = "diskimage-first-boot.service"
	unitDir       = "etc/systemd/system"
	wantsDir      = unitDir + "/multi-user.target.wants"
)

//go:embed firstboot/run
var firstBootProgram []byte

//go:embed firstboot/diskimage-first-boot.service
var firstBootService []byte

// installFirstBoot puts the scripts of first-boot.d, of elements or made by
// hooks, into the image, and a unit that runs each of them once. Without scripts
// it leaves nothing.
func (b *Build) installFirstBoot() error {
	source := filepath.Join(b.dirs.hooks, hook.FirstBootDir)
	names, _, err := hook.ListMatching(source, b.user()["RUN_PARTS_REGEX"])
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(names) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing the scripts of %s: %w", hook.FirstBootDir, err)
	}
	if !hasSystemd(b.dirs.mount) {
		return fmt.Errorf("the scripts of %s (%s) would never run: systemd runs them, and it is not in the image; "+
			"install it, or do without the elements that have them", hook.FirstBootDir, b.named(hook.FirstBootDir, names))
	}
	b.opt.Report.Say(fmt.Sprintf("%s: %s for the image's first boot", hook.FirstBootDir, count(len(names), "script")))
	if err := b.writeFirstBoot(source, names); err != nil {
		return fmt.Errorf("putting the scripts of %s into the image: %w", hook.FirstBootDir, err)
	}
	return nil
}

// named lists files of a merged directory with the elements that they come from.
func (b *Build) named(dir string, names []string) string {
	words := make([]string, len(names))
	for i, name := range names {
		words[i] = name
		if origin := b.origin(dir, name); origin != "" {
			words[i] += " of element " + origin
		}
	}
	return strings.Join(words, ", ")
}

// hasSystemd tells whether a tree is booted by systemd.
func hasSystemd(tree string) bool {
	for _, file := range []string{"usr/lib/systemd/systemd", "lib/systemd/systemd"} {
		if fd, err := openInside(tree, file, unix.O_PATH); err == nil {
			return unix.Close(fd) == nil
		}
	}
	return false
}

func (b *Build) writeFirstBoot(source string, names []string) error {
	lib, err := inside(b.dirs.mount, firstBootLib, true)
	if err != nil {
		return err
	}
	defer lib.Close()
	if err := lib.RemoveAll(hook.FirstBootDir); err != nil {
		return err
	}
	if err := copyInto(lib, hook.FirstBootDir, source); err != nil {
		return err
	}
	if err := errors.Join(
		writeMode(lib, "first-boot", firstBootProgram, 0o755),
		writeMode(lib, "first-boot.list", []byte(strings.Join(names, "\n")+"\n"), 0o644),
	); err != nil {
		return err
	}
	units, err := inside(b.dirs.mount, unitDir, true)
	if err != nil {
		return err
	}
	defer units.Close()
	wants, err := inside(b.dirs.mount, wantsDir, true)
	if err != nil {
		return err
	}
	defer wants.Close()
	if err := wants.Symlink("/"+unitDir+"/"+firstBootUnit, firstBootUnit); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return writeMode(units, firstBootUnit, firstBootService, 0o644)
}

// copyInto copies a directory to dir, which is made. Files belong to root and
// lose what others may write; a link to a file beside it in the hooks tree is
// followed, as that tree will not be there.
func copyInto(root *os.Root, dir string, from string) error {
	return filepath.WalkDir(from, func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, file)
		if err != nil {
			return err
		}
		to := path.Join(dir, name)
		if e.IsDir() {
			return root.Mkdir(to, 0o755)
		}
		if e.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(file)
			if err != nil {
				return err
			}
			if info, err := os.Stat(file); path.IsAbs(target) || err != nil || !info.Mode().IsRegular() {
				return root.Symlink(target, to)
			}
		}
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return writeMode(root, to, content, info.Mode().Perm()&^0o022)
	})
}

// writeMode writes a file that gets its mode whatever was there.
func writeMode(root *os.Root, name string, content []byte, mode fs.FileMode) error {
	if err := root.WriteFile(name, content, mode); err != nil {
		return err
	}
	return root.Chmod(name, mode)
}
