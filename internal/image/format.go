// SPDX-License-Identifier: MPL-2.0

package image

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
)

// Format is the name of an image format as it stands in a template.
type Format string

// The formats that Encode writes.
const (
	// Raw is the disk byte for byte, holes kept as holes.
	Raw Format = "raw"
	// QCOW2 is QEMU's format, version 3 (compat 1.1).
	QCOW2 Format = "qcow2"
)

// encoder is one row of the table of formats.
type encoder struct {
	format    Format
	extension string
	// encode makes spec.Destination and flushes it; removing what is unfinished
	// is its caller's.
	encode func(ctx context.Context, runner command.Runner, spec Spec) error
}

// encoders is the table of formats, in the order in which they are shown.
func encoders() []encoder {
	return []encoder{
		{QCOW2, ".qcow2", encodeQCOW2},
		{Raw, ".raw", encodeRaw},
	}
}

func lookup(f Format) (encoder, bool) {
	for _, e := range encoders() {
		if e.format == f {
			return e, true
		}
	}
	return encoder{}, false
}

// Formats lists every format that ParseFormat accepts.
func Formats() []Format {
	var all []Format
	for _, e := range encoders() {
		all = append(all, e.format)
	}
	return all
}

// Extension is the end of the file's name, with its dot: ".qcow2". It is empty
// for a format that does not exist.
func (f Format) Extension() string {
	e, _ := lookup(f)
	return e.extension
}

// ParseFormat returns the format of that name. The error of an unknown one
// names the nearest; formats that diskimage-builder writes and this package
// does not yet are told apart.
func ParseFormat(name string) (Format, error) {
	if e, ok := lookup(Format(name)); ok {
		return e.format, nil
	}
	names := formatNames()
	if reason, ok := absent(strings.ToLower(name)); ok {
		return "", fmt.Errorf("the image format %q is not available: %s; available are %s",
			name, reason, strings.Join(names, " and "))
	}
	return "", fmt.Errorf("unknown image format %q%s; available are %s",
		name, nearest.Hint(name, names), strings.Join(names, " and "))
}

func formatNames() []string {
	var names []string
	for _, f := range Formats() {
		names = append(names, string(f))
	}
	return names
}

// absent says why a format that people may know from elsewhere is not written.
func absent(name string) (string, bool) {
	switch name {
	case "tar", "tgz", "squashfs", "docker":
		return "it is an archive of the tree and comes with a later version", true
	case "vmdk", "vdi", "vhd", "vhdx", "vpc":
		return "it comes with a later version; until then \"qemu-img convert\" makes it of the raw image", true
	case "aci":
		return "it belongs to rkt, which is no longer maintained, and is not planned", true
	case "img", "disk", "bin":
		return "the name says nothing about the content; the plain disk is called \"raw\"", true
	}
	return "", false
}
