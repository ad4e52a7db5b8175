// SPDX-License-Identifier: MPL-2.0

package image

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/workdir"
)

// Staging is a hidden directory inside the output directory in which outputs
// are made, so that publishing them is renaming. A killed build leaves it
// behind; the next one for the same image removes it.
type Staging struct {
	output  string
	dir     *workdir.Dir
	created []string // directories made for output, outermost first
	names   []string // in the order in which Path was first asked for them
	swept   []string
	closed  bool
}

// Names of the directories inside a staging directory.
const (
	outputsFolder = "outputs"
	scratchFolder = "scratch"
	earlierFolder = "earlier"
)

// Stage makes outputDir if it is missing and a staging directory in it. What
// killed builds of imageName left there is removed. Call Discard in any case.
func Stage(outputDir, imageName string) (*Staging, error) {
	if imageName == "" || imageName != filepath.Base(imageName) || imageName == "." || imageName == ".." {
		return nil, fmt.Errorf("the image name %q must be a plain file name", imageName)
	}
	output, err := filepath.Abs(outputDir)
	if err != nil {
		return nil, fmt.Errorf("finding the output directory: %w", err)
	}
	s := &Staging{output: output}
	if err := s.prepare("." + imageName + ".partial-"); err != nil {
		return nil, errors.Join(
			fmt.Errorf("preparing the output directory %s: %w", output, explain(err)), s.Discard())
	}
	return s, nil
}

func (s *Staging) prepare(prefix string) (err error) {
	if s.created, err = makeDirectories(s.output); err != nil {
		return err
	}
	if s.swept, err = workdir.Sweep(s.output, prefix); err != nil {
		return err
	}
	if s.dir, err = workdir.Create(s.output, prefix); err != nil {
		return err
	}
	for _, folder := range []string{outputsFolder, scratchFolder, earlierFolder} {
		if err := os.Mkdir(filepath.Join(s.dir.Path(), folder), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// Dir is the staging directory itself, to be swept when this process dies.
func (s *Staging) Dir() string { return s.dir.Path() }

// Created lists the directories that Stage made for the outputs, outermost first.
func (s *Staging) Created() []string { return slices.Clone(s.created) }

// Swept lists the directories of killed builds that Stage removed.
func (s *Staging) Swept() []string { return slices.Clone(s.swept) }

// Path is where to make the output called name. A file that is there when
// Publish is called becomes an output, in the order of the first calls of Path;
// so does what hooks made beside those, directories too.
func (s *Staging) Path(name string) string {
	if !slices.Contains(s.names, name) {
		s.names = append(s.names, name)
	}
	return s.file(name)
}

// Scratch is a path on the same file system for a file that is no output, such
// as the disk being built: Encode can move it to a Path without copying.
func (s *Staging) Scratch(name string) string {
	return filepath.Join(s.dir.Path(), scratchFolder, name)
}

func (s *Staging) file(name string) string {
	return filepath.Join(s.dir.Path(), outputsFolder, name)
}

// Discard removes the staging directory, and the output directory if Stage
// made it and it is empty. After Publish and when called again it does nothing.
func (s *Staging) Discard() error {
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	if s.dir != nil {
		if err := s.dir.Remove(); err != nil {
			errs = append(errs, fmt.Errorf("removing the unfinished outputs: %w", err))
		}
	}
	for _, dir := range slices.Backward(s.created) {
		if err := os.Remove(dir); err != nil {
			break // somebody put something there: it is theirs to keep
		}
	}
	return errors.Join(errs...)
}

// Existing lists which of names are in outputDir already, as paths. It serves
// the early check; Publish checks again.
func Existing(outputDir string, names []string) ([]string, error) {
	var paths []string
	for _, name := range names {
		path := filepath.Join(outputDir, name)
		_, err := os.Lstat(path)
		switch {
		case err == nil:
			paths = append(paths, path)
		case errors.Is(err, syscall.ENOTDIR):
			return nil, fmt.Errorf("%s is not a directory; choose another one or remove it", outputDir)
		case !errors.Is(err, os.ErrNotExist):
			return nil, fmt.Errorf("looking for earlier outputs: %w", err)
		}
	}
	return paths, nil
}

// ExistsError says that outputs of an earlier build are in the way.
type ExistsError struct {
	// Paths are the files in the way.
	Paths []string
}

// Error names the files and the way out.
func (e *ExistsError) Error() string {
	verb := "exists"
	if len(e.Paths) > 1 {
		verb = "exist"
	}
	return fmt.Sprintf("%s already %s; remove it, choose another output directory or image name, or build with -force",
		strings.Join(e.Paths, ", "), verb)
}

// makeDirectories is os.MkdirAll that tells which directories it made.
func makeDirectories(dir string) (created []string, err error) {
	info, err := os.Stat(dir)
	if err == nil {
		if !info.IsDir() {
			return nil, fmt.Errorf("%s is a file, not a directory", dir)
		}
		return nil, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if created, err = makeDirectories(filepath.Dir(dir)); err != nil {
		return created, err
	}
	err = os.Mkdir(dir, 0o777)
	switch {
	case err == nil:
		return append(created, dir), syncDirectory(filepath.Dir(dir))
	case errors.Is(err, os.ErrExist):
		return created, nil // another build was quicker
	}
	return created, err
}
