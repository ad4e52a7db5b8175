// SPDX-License-Identifier: MPL-2.0

package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/shell"
)

// ReadmeFile is the file in an HTTP directory that is for people.
const ReadmeFile = "README"

// What stands in for documents that a seed may lack. cloud-init asks a
// server for all four, ten times over before it believes that one is not there.
// Of network-config it makes nothing when there are only comments, and goes on
// with its own default; an empty mapping would be a machine without network.
var emptyDocuments = []nocloud.File{
	{Name: nocloud.VendorDataFile, Content: []byte(nocloud.EmptyDocument)},
	{Name: nocloud.NetworkConfigFile, Content: []byte("# No configuration: cloud-init's default, which is DHCP.\n")},
}

// HTTPFiles are a rendered seed's files as a server is to have them: all four.
func HTTPFiles(files []nocloud.File) []nocloud.File {
	all := slices.Clone(files)
	for _, empty := range emptyDocuments {
		if !slices.ContainsFunc(files, func(f nocloud.File) bool { return f.Name == empty.Name }) {
			empty.Mode = nocloud.FileMode
			all = append(all, empty)
		}
	}
	return all
}

// WriteDirectory makes a directory of files, which appears whole or not at all,
// for its owner only. One that is there is replaced, unless it is the same already.
func WriteDirectory(ctx context.Context, path string, files []nocloud.File) (err error) {
	if err := checkFiles(files); err != nil {
		return err
	}
	if sameDirectory(path, files) {
		return nil
	}
	made, err := os.MkdirTemp(filepath.Dir(path), ".seed-*") // mode 0700
	if err != nil {
		return fmt.Errorf("making a directory for the seed: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(made)) }()
	for _, f := range files {
		if err := errors.Join(ctx.Err(), os.WriteFile(filepath.Join(made, f.Name), f.Content, nocloud.FileMode)); err != nil {
			return fmt.Errorf("writing the seed's directory %s: %w", path, err)
		}
	}
	return replace(path, made)
}

// replace moves a directory to its place. One cannot be put in the place of
// another, so what is there is moved aside first.
func replace(path, made string) error {
	aside := made + "-old"
	err := os.Rename(path, aside)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replacing the seed's directory: %w", err)
	}
	moved := err == nil
	if err := os.Rename(made, path); err != nil {
		err = fmt.Errorf("moving the seed's directory to its place: %w", err)
		if moved {
			err = errors.Join(err, os.Rename(aside, path))
		}
		return err
	}
	return os.RemoveAll(aside)
}

// sameDirectory tells whether a directory holds these files and nothing else,
// for its owner only.
func sameDirectory(path string, files []nocloud.File) bool {
	info, err := os.Lstat(path)
	entries, readErr := os.ReadDir(path)
	if err != nil || readErr != nil || len(entries) != len(files) || !private(info) {
		return false
	}
	for _, f := range files {
		name := filepath.Join(path, f.Name)
		info, err := os.Lstat(name)
		if err != nil || !info.Mode().IsRegular() || !private(info) {
			return false
		}
		if b, err := os.ReadFile(name); err != nil || !bytes.Equal(b, f.Content) {
			return false
		}
	}
	return true
}

// Readme is a text for people that find an HTTP directory.
func Readme(seed nocloud.Rendered, s Locator) nocloud.File {
	var b strings.Builder
	fmt.Fprintf(&b, "A seed for cloud-init's NoCloud datasource, of the instance %s.\n\n", seed.InstanceID)
	b.WriteString("Serve this directory by HTTP where the machine can reach it, for instance by\n\n")
	b.WriteString("    python3 -m http.server --directory . 8080\n\n")
	b.WriteString("and tell the machine where it is, on the kernel's command line or as the serial\nnumber of its SMBIOS:\n\n")
	if s.URL == "" {
		s.URL = "http://ADDRESS:8080/"
	}
	text := s.Text()
	fmt.Fprintf(&b, "    kernel:             %s\n", text)
	fmt.Fprintf(&b, "    in grub or a shell: %s\n", shell.Quote(text))
	fmt.Fprintf(&b, "    /etc/default/grub:  %s\n", DefaultGrub(text))
	fmt.Fprintf(&b, "    QEMU:               -smbios %s\n", shell.Quote(QEMUSMBIOS(text)))
	b.WriteString("\nThe files may hold passwords. Everybody who reaches the server can read them.\n")
	return nocloud.File{Name: ReadmeFile, Mode: nocloud.FileMode, Content: []byte(b.String())}
}
