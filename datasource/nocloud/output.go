// SPDX-License-Identifier: MPL-2.0

//go:generate packer-sdc mapstructure-to-hcl2 -type DatasourceOutput
//go:generate packer-sdc struct-markdown

package nocloud

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/media"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/shell"
)

// DatasourceOutput is the seed in all forms in which builders take one.
type DatasourceOutput struct {
	// The path of the ISO 9660 volume, empty if `media` does not name it.
	ISO string `mapstructure:"iso"`
	// The path of the FAT volume, likewise.
	VFAT string `mapstructure:"vfat"`
	// The path of the directory for an HTTP server, likewise.
	Directory string `mapstructure:"directory"`
	// The paths of the seed's own files in it, for `cd_files`.
	DirectoryFiles []string `mapstructure:"directory_files"`
	// The label that cloud-init looks for, for `cd_label`.
	Label string `mapstructure:"label"`
	// The texts of the seed's files by name, for `cd_content`.
	Files map[string]string `mapstructure:"files"`
	// The same by path, for `http_content`, with those that a server should have
	// too even if they say nothing.
	HTTPFiles map[string]string `mapstructure:"http_files"`
	// The instance-id that meta-data says.
	InstanceID string `mapstructure:"instance_id"`
	// A hash of the seed, as it is in the names of files.
	Digest string `mapstructure:"digest"`
	// The argument for the kernel that names datasource, `seed_url`, host name
	// and instance: for `boot_command` at a prompt that takes the line as it is,
	// for `-append` of QEMU in a list.
	KernelArgument string `mapstructure:"kernel_argument"`
	// The same in single quotes, for GRUB (its editor in a `boot_command`, grub.cfg,
	// `DIB_BOOTLOADER_DEFAULT_CMDLINE`) and for shells. Both would end the command
	// at the semicolon.
	KernelArgumentQuoted string `mapstructure:"kernel_argument_quoted"`
	// The line for `/etc/default/grub`, or a file in `/etc/default/grub.d`.
	GrubDefault string `mapstructure:"grub_default"`
	// The same word as the SMBIOS serial number. Like the next two it is empty
	// if it is longer than 255 bytes, which `warnings` tells.
	SMBIOS string `mapstructure:"smbios"`
	// The value of QEMU's option `-smbios`, for `qemuargs`.
	QEMUSMBIOS string `mapstructure:"qemu_smbios"`
	// The element `sysinfo` of a libvirt domain, which needs
	// `<smbios mode="sysinfo"/>` in its `os`.
	LibvirtSysinfo string `mapstructure:"libvirt_sysinfo"`
	// The element `cmdline` of a libvirt domain's `os` that boots a kernel directly.
	LibvirtCmdline string `mapstructure:"libvirt_cmdline"`
	// What is worth a look, a sentence each.
	Warnings []string `mapstructure:"warnings"`
}

// maker turns a rendered seed into all that.
type maker struct {
	config  *Config
	seed    nocloud.Rendered
	time    time.Time
	dir     string
	locator media.Locator
	out     *DatasourceOutput
}

func (m *maker) make(ctx context.Context) error {
	digest := media.Digest(m.seed.Files)
	m.out.InstanceID, m.out.Digest, m.out.Label = m.seed.InstanceID, short(digest), media.LabelISO
	if err := m.texts(); err != nil {
		return err
	}
	m.words()
	for _, format := range []media.Format{media.ISO, media.VFAT} {
		if err := m.volume(ctx, format); err != nil {
			return err
		}
	}
	return m.directory(ctx)
}

func short(digest [32]byte) string { return fmt.Sprintf("%x", digest[:8]) }

// texts gives the contents as values of HCL, which are UTF-8.
func (m *maker) texts() error {
	m.out.Files, m.out.HTTPFiles = map[string]string{}, map[string]string{}
	for _, f := range media.HTTPFiles(m.seed.Files) {
		text, err := decompressed(f.Content)
		if err != nil {
			return fmt.Errorf("decompressing %s: %w", f.Name, err)
		}
		if !utf8.Valid(text) {
			return fmt.Errorf("%s has bytes that are not UTF-8, which no value of a template can have; encode them, in write_files by encoding: b64", f.Name)
		}
		m.out.HTTPFiles["/"+f.Name] = string(text)
		if slices.ContainsFunc(m.seed.Files, func(s nocloud.File) bool { return s.Name == f.Name }) {
			m.out.Files[f.Name] = string(text)
		}
	}
	return nil
}

// decompressed is what gzip packed; cloud-init takes either.
func decompressed(content []byte) ([]byte, error) {
	if !bytes.HasPrefix(content, []byte("\x1f\x8b")) {
		return content, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, nocloud.MaxSize+1))
}

// words gives what kernel and firmware are told.
func (m *maker) words() {
	text := m.locator.Text()
	m.out.KernelArgument, m.out.KernelArgumentQuoted = text, shell.Quote(text)
	m.out.GrubDefault, m.out.LibvirtCmdline = media.DefaultGrub(text), media.LibvirtCmdline(text)
	if len(text) > media.MaxSMBIOS {
		m.out.Warnings = append(m.out.Warnings, fmt.Sprintf(
			"smbios is empty: with seed_url it would have %d bytes, and an SMBIOS string has at most %d; make seed_url shorter, or use kernel_argument",
			len(text), media.MaxSMBIOS))
		return
	}
	m.out.SMBIOS, m.out.QEMUSMBIOS, m.out.LibvirtSysinfo = text, media.QEMUSMBIOS(text), media.LibvirtSysinfo(text)
}

func (m *maker) volume(ctx context.Context, format media.Format) error {
	if !slices.Contains(m.config.Media, string(format)) {
		return nil
	}
	path := filepath.Join(m.dir, "seed-"+m.out.Digest+format.Extension())
	if err := media.Write(ctx, path, format, m.seed.Files, m.time); err != nil {
		return fmt.Errorf("media %s: %w", format, err)
	}
	if format == media.ISO {
		m.out.ISO = path
	} else {
		m.out.VFAT = path
	}
	return nil
}

func (m *maker) directory(ctx context.Context) error {
	m.out.DirectoryFiles = []string{}
	if !slices.Contains(m.config.Media, directory) {
		return nil
	}
	files := append(media.HTTPFiles(m.seed.Files), media.Readme(m.seed, m.locator))
	m.out.Directory = filepath.Join(m.dir, "seed-"+short(media.Digest(files)))
	if err := media.WriteDirectory(ctx, m.out.Directory, files); err != nil {
		return fmt.Errorf("media directory: %w", err)
	}
	for _, f := range m.seed.Files {
		m.out.DirectoryFiles = append(m.out.DirectoryFiles, filepath.Join(m.out.Directory, f.Name))
	}
	return nil
}
