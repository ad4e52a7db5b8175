// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
)

// Places on the target.
const (
	SeedDir = "/var/lib/cloud/seed/nocloud"
	// PinFile sorts after every file that distributions and installers are known
	// to leave (90_dpkg.cfg, 99-installer.cfg, 99_maas.cfg), whether the reader
	// sorts by bytes, as cloud-init does, or by a locale that skips punctuation.
	PinFile = "/etc/cloud/cloud.cfg.d/" + pinName
	pinName = "99_zz_diskimage_datasource.cfg"
)

// Pin is the content of PinFile. The list has one entry and stands on one line:
// only then does ds-identify, which reads it with a shell, skip its search, and
// it must, for it runs before a separate /var is mounted.
const Pin = `# The seed in ` + SeedDir + ` is the only one to look for.
# ds-identify needs the list on one line.
datasource_list: [ NoCloud ]
`

//go:embed install.sh
var installScript string

// ExitNotRoot is the script's exit status when it does not run as root.
const ExitNotRoot = 77

// Installer makes the shell script that puts a rendered seed in its place.
type Installer struct {
	// Root is prefixed to every path on the target; empty on the target itself.
	Root string
	// Pin writes PinFile; otherwise one from an earlier run is removed.
	Pin bool
}

// Uploads are the files that must lie beside the script when it runs, in a
// directory that nobody else can read.
func (i Installer) Uploads(seed Rendered) []File {
	files := append([]File(nil), seed.Files...)
	if i.Pin {
		files = append(files, File{Name: pinName, Mode: FileMode, Content: []byte(Pin)})
	}
	return files
}

// Script is for any POSIX shell. It replaces the seed directory as a whole, or
// leaves all as it is when nothing would change, and says what it did in lines
// for ParseReport. It holds no content of the seed.
func (i Installer) Script(seed Rendered) []byte {
	var files []string
	for _, f := range seed.Files {
		files = append(files, fmt.Sprintf("%s:%d", f.Name, len(f.Content)))
	}
	pin := ""
	if i.Pin {
		pin = fmt.Sprintf("%s:%d", pinName, len(Pin))
	}
	shebang, body, _ := strings.Cut(installScript, "\n")
	settings := fmt.Sprintf("root=%s\npin=%s\npin_name=%s\nfiles=%s\n",
		shellQuote(i.Root), pin, pinName, shellQuote(strings.Join(files, " ")))
	return []byte(shebang + "\n" + settings + body)
}

func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Change is what became of a file or directory.
type Change string

// Changes, as the script says them.
const (
	Installed Change = "installed"
	Unchanged Change = "unchanged"
	Removed   Change = "removed"
	None      Change = "none"
)

// Report is what the script did and saw.
type Report struct {
	// Seed is Installed or Unchanged; Pin may also be Removed or None.
	Seed, Pin Change
	// Absent: no cloud-init is installed. Disabled: /etc/cloud/cloud-init.disabled exists.
	Absent, Disabled bool
	// Overridden are configuration files that are read after PinFile and set
	// the datasource list again.
	Overridden []string
}

// ErrNoReport means that the script did not run to its end although no failure was seen.
var ErrNoReport = errors.New("the installing script did not report that it was done")

// ParseReport reads the script's output; other lines in it are ignored.
func ParseReport(output string) (Report, error) {
	var r Report
	var done bool
	for line := range strings.SplitSeq(output, "\n") {
		fact, ok := strings.CutPrefix(strings.TrimSpace(line), "nocloud.")
		name, value, _ := strings.Cut(fact, "=")
		if !ok {
			continue
		}
		switch name {
		case "seed":
			r.Seed = Change(value)
		case "pin":
			r.Pin = Change(value)
		case "absent":
			r.Absent = true
		case "disabled":
			r.Disabled = true
		case "overridden":
			r.Overridden = append(r.Overridden, value)
		case "done":
			done = true
		}
	}
	if !done || r.Seed == "" || r.Pin == "" {
		return r, ErrNoReport
	}
	return r, nil
}
