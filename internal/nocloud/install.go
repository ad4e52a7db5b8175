// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/repeat"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/shell"
)

// Places on the target.
const (
	SeedDir = "/var/lib/cloud/seed/nocloud"
	// PinFile sorts after every file that distributions and installers are known
	// to leave (90_dpkg.cfg, 99-installer.cfg, 99_maas.cfg), whether the reader
	// sorts by bytes, as cloud-init does, or by a locale that skips punctuation.
	PinFile = "/etc/cloud/cloud.cfg.d/" + pinName
	pinName = "99_zz_diskimage_datasource.cfg"
	// IdentifyFile is read by ds-identify alone.
	IdentifyFile = "/etc/cloud/ds-identify.cfg"
)

// Pin is the content of PinFile. The list has one entry and stands on one line:
// only then does ds-identify, which reads it with a shell, skip its search, and
// it must, for it runs before a separate /var is mounted.
const Pin = `# The seed in ` + SeedDir + ` is the only one to look for.
# ds-identify needs the list on one line.
datasource_list: [ NoCloud ]
`

// ignoreCIDATA is added to PinFile, or is all of it.
const ignoreCIDATA = `# Disks and CDs labelled CIDATA do not override the seed.
datasource:
  NoCloud:
    fs_label: null
`

// Exit statuses of the script, for what the user can do something about.
const (
	// ExitNotRoot: it does not run as root.
	ExitNotRoot = 77
	// ExitRefused: the target's cloud-init schema refuses a document. Nothing
	// was changed.
	ExitRefused = 79
	// ExitNotFound: the target's ds-identify would not find the installed seed.
	ExitNotFound = 80
)

//go:embed install/*.sh
var installParts embed.FS

// Installer makes the shell script that puts a rendered seed in its place.
type Installer struct {
	// Root is prefixed to every path on the target; empty on the target itself.
	Root string
	// Pin writes the list of datasources into PinFile.
	Pin bool
	// IgnoreCIDATA tells cloud-init, in PinFile, to pass over media. If neither
	// is wanted, a PinFile of an earlier run is removed.
	IgnoreCIDATA bool
	// Enable removes what keeps cloud-init from being started at boot.
	Enable bool
	// Judge has the target's own cloud-init schema judge the documents.
	Judge bool
	// CustomKeys are keys that it is not to see, as it knows them not.
	CustomKeys []string
	// Forgets means that what cloud-init knows of earlier boots will be removed
	// after the script: that it would trust it is then no reason to fail.
	Forgets bool
}

// Uploads are the files that must lie beside the script when it runs, in a
// directory that nobody else can read.
func (i Installer) Uploads(seed Rendered) []File {
	files := seed.directory()
	if pin := i.pin(); pin != "" {
		files = append(files, File{Name: pinName, Mode: FileMode, Content: []byte(pin)})
	}
	if i.Judge {
		for _, d := range seed.judged(i.CustomKeys) {
			if d.extra {
				files = append(files, File{Name: d.file, Mode: FileMode, Content: []byte(d.text)})
			}
		}
	}
	return files
}

// pin is the content of PinFile, empty for no such file.
func (i Installer) pin() (text string) {
	if i.Pin {
		text += Pin
	}
	if i.IgnoreCIDATA {
		text += ignoreCIDATA
	}
	return text
}

// ProofScript is for after the machine was generalised: it proves once more that
// cloud-init will find the seed, and changes nothing. On a machine that our builder
// makes it only registers itself, to run after what generalises there. Only
// ExitNotFound is of interest then.
func (i Installer) ProofScript(seed Rendered) []byte {
	i.Forgets = false
	return i.script(seed, true)
}

// Script is for any POSIX shell. It replaces the seed directory as a whole, or
// leaves all as it is when nothing would change, and says what it did in lines
// for ParseReport. It holds no content of the seed.
func (i Installer) Script(seed Rendered) []byte { return i.script(seed, false) }

func (i Installer) script(seed Rendered, proofOnly bool) []byte {
	var files, judged []string
	for _, f := range seed.directory() {
		files = append(files, fmt.Sprintf("%s:%d", f.Name, len(f.Content)))
	}
	if i.Judge {
		for _, d := range seed.judged(i.CustomKeys) {
			judged = append(judged, d.file+":"+d.kind)
		}
	}
	pin := ""
	if text := i.pin(); text != "" {
		pin = fmt.Sprintf("%s:%d", pinName, len(text))
	}
	settings := []struct{ name, value string }{
		{"root", i.Root}, {"files", strings.Join(files, " ")}, {"judged", strings.Join(judged, " ")},
		{"pin", pin}, {"pin_name", pinName}, {"list", yes(i.Pin)}, {"enable", yes(i.Enable)},
		{"network", yes(seed.file(NetworkConfigFile) != nil)}, {"instance", seed.InstanceID},
		{"forgets", yes(i.Forgets)}, {"proof_only", yes(proofOnly)},
		{"registry", repeat.Dir}, {"generalises", repeat.Generalise},
	}
	var b strings.Builder
	b.WriteString("#!/bin/sh\n")
	for _, s := range settings {
		fmt.Fprintf(&b, "%s=%s\n", s.name, shell.Quote(s.value))
	}
	b.WriteString(repeat.Function)
	for _, part := range []string{"common", "seed", "config", "enable", "look", "network", "judge", "proof", "main"} {
		text, _ := installParts.ReadFile("install/" + part + ".sh") // embedded above
		b.Write(text)
	}
	return []byte(b.String())
}

func yes(wanted bool) string {
	if wanted {
		return "yes"
	}
	return ""
}

// directory are the files of the seed's directory, which has vendor-data always. (On
// a volume an empty one would take the place of the image's.)
func (out Rendered) directory() []File {
	files := slices.Clone(out.Files)
	if out.file(VendorDataFile) == nil {
		files = append(files, File{Name: VendorDataFile, Mode: FileMode, Content: []byte(EmptyDocument)})
	}
	return files
}

// file is the content of one of the seed's files, nil if it has none of this name.
func (out Rendered) file(name string) []byte {
	for _, f := range out.Files {
		if f.Name == name {
			return append([]byte{}, f.Content...)
		}
	}
	return nil
}
